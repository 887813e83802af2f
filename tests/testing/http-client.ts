import { Agent, type IncomingHttpHeaders, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The parsed JSON body; empty where the answer is no JSON object. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Sent {
  /** An object is sent as JSON; text and bytes go as they are, without a content type of their own. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** The access token of `Authorization: Bearer`. */
  readonly bearer?: string;
}

export type Call = (method: string, path: string, sent?: Sent) => Promise<Answer>;

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** A client that sends what it is given, right or wrong: `fetch` would mend or refuse half of what has to be tested. */
export const httpClient =
  (url: string): Call =>
  (method, path, sent = {}) => {
    const { payload, headers } = prepare(method, sent);
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      // The path as it is given: a URL would be brought into canonical form before it is sent.
      const outgoing = request({ hostname, port, path, method, headers, agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: readObject(text) });
        });
      });
      outgoing.on('error', reject);
      outgoing.end(payload);
    });
  };

const prepare = (method: string, { body, headers = {}, bearer }: Sent) => {
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
  const payload = body === undefined ? undefined : Buffer.from(isRaw ? body : JSON.stringify(body));
  return {
    payload,
    headers: {
      'user-agent': 'sallyport-tests/1',
      ...(payload !== undefined && { 'content-length': payload.length }),
      ...(payload === undefined && method !== 'GET' && { 'content-length': 0 }),
      ...(payload !== undefined && !isRaw && { 'content-type': 'application/json' }),
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      ...headers,
    },
  };
};

const readObject = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
};

/** One exchange of JSON with a service, over node:http: a certificate authority of its own, and a connection of its own where one is asked for. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { SignerFailure } from '../signer.ts';

export interface ServiceRequest {
  readonly method: 'GET' | 'POST';
  /** Below the base address, with a leading slash. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: object;
  readonly signal: AbortSignal;
  readonly fresh?: boolean;
}

export interface ServiceAnswer {
  readonly status: number;
  /** Undefined: no JSON object. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
}

export interface ServiceConnection {
  /** @throws SignerFailure `connection`, `malformed` */
  send(request: ServiceRequest): Promise<ServiceAnswer>;
  close(): void;
}

export interface ConnectionOptions {
  readonly address: string;
  /** PEM. Default: the authorities that Node.js knows. */
  readonly ca?: string;
  readonly sockets: number;
}

/** The description of a key with its many versions is the largest. */
const longestAnswerBytes = 1_048_576;

export const openConnection = ({ address, ca, sockets }: ConnectionOptions): ServiceConnection => {
  const base = new URL(address);
  const isTls = base.protocol === 'https:';
  const own = { keepAlive: true, maxSockets: sockets, ...(isTls && ca !== undefined && { ca }) };
  const agent = isTls ? new HttpsAgent(own) : new HttpAgent(own);

  const exchange = (
    { method, path, headers, signal, fresh }: ServiceRequest,
    text: string | undefined,
  ): Promise<ServiceAnswer> =>
    new Promise((resolve, reject) => {
      const failed = (cause: unknown) => reject(new SignerFailure('connection', describe(cause), cause));
      const options = {
        method,
        signal,
        agent: fresh === true ? false : agent,
        ...(isTls && ca !== undefined && { ca }),
        headers: {
          ...headers,
          accept: 'application/json',
          ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        },
      } as const;
      const url = new URL(base.pathname.replace(/\/+$/, '') + path, base);
      const sent = (isTls ? httpsRequest : httpRequest)(url, options, (answer) => {
        read(answer).then(resolve, (error: unknown) =>
          error instanceof SignerFailure ? reject(error) : failed(error),
        );
      });
      sent.on('error', failed);
      sent.end(text);
    });

  return {
    send: (request) => exchange(request, request.body && JSON.stringify(request.body)),
    close: () => agent.destroy(),
  };
};

const read = async (answer: IncomingMessage): Promise<ServiceAnswer> => {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > longestAnswerBytes) {
      answer.destroy();
      throw new SignerFailure('malformed', `the answer is longer than ${longestAnswerBytes} bytes`);
    }
    parts.push(part);
  }
  return { status: answer.statusCode ?? 0, body: objectOf(Buffer.concat(parts).toString('utf8')) };
};

const objectOf = (text: string): ServiceAnswer['body'] => {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const describe = (cause: unknown): string => {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return `the connection failed (${code ?? 'no reason given'})`;
};

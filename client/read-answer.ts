import { ApiError, NetworkError } from './errors.ts';

export interface Answer {
  readonly ok: boolean;
  readonly status: number;
  /** The JSON object of the answer; empty where there was none. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds: number | undefined;
}

export const refusal = ({ status, body, retryAfterSeconds }: Answer): ApiError =>
  new ApiError(status, body, retryAfterSeconds);

export type AnswerReader = (url: string, init: RequestInit) => Promise<Answer>;

/** Calls and reads a whole answer. Throws NetworkError when nobody answered or the answer broke off. */
export const readAnswer =
  (fetch: typeof globalThis.fetch = globalThis.fetch.bind(globalThis)): AnswerReader =>
  async (url, init) => {
    try {
      const response = await fetch(url, init);
      const body = parseObject(await response.text());
      const { ok, status, headers } = response;
      return { ok, status, body, retryAfterSeconds: retryAfter(headers, body) };
    } catch (error) {
      throw new NetworkError(error);
    }
  };

/** A page of another origin sees only the headers that CORS exposes; the problem itself says it too. */
const retryAfter = (headers: Headers, { params }: Answer['body']): number | undefined => {
  const told: unknown = headers.get('retry-after') ?? Object(params)['retryAfterSeconds'];
  const seconds = Number(told ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds : undefined;
};

const parseObject = (text: string): Answer['body'] => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Answer['body']) : {};
  } catch {
    // A proxy's HTML page, or nothing at all.
    return {};
  }
};

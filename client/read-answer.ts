import { NetworkError } from './errors.ts';

export interface Answer {
  readonly ok: boolean;
  readonly status: number;
  /** The JSON object of the answer; empty where there was none. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds: number | undefined;
}

export type AnswerReader = (url: string, init: RequestInit) => Promise<Answer>;

/** Calls and reads a whole answer. Throws NetworkError when nobody answered or the answer broke off. */
export const readAnswer =
  (fetch: typeof globalThis.fetch): AnswerReader =>
  async (url, init) => {
    try {
      const response = await fetch(url, init);
      const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
      return {
        ok: response.ok,
        status: response.status,
        body: parseObject(await response.text()),
        retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : undefined,
      };
    } catch (error) {
      throw new NetworkError(error);
    }
  };

const parseObject = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    // A proxy's HTML page, or nothing at all.
    return {};
  }
};

import { isErrorCode, Problem, type UserId } from '@sallyport/contract';
import type { Profiles } from './profiles.ts';

/** The trace that the call belongs to. */
type TraceHeaders = { readonly traceparent?: string };

export interface DeleteAccountParts {
  readonly profiles: Pick<Profiles, 'delete'>;
  /** Base address of the issuer. */
  readonly issuerUrl: string;
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
}

const issuerTimeoutMs = 5_000;
const answerLimitCharacters = 10_000;

/**
 * Ends the account at the issuer, then forgets the profile. The gateway forwards the bearer on this route alone, so that it
 * is the user who deletes and not this service: it has no power of its own over accounts.
 * In this order: what the issuer refuses must delete nothing here. A crash in between leaves a profile that nobody can log
 * in to read.
 * @throws Problem the issuer's own where it refused, `upstream_unavailable` where it did not answer, `token_missing`
 */
export const createDeleteAccount =
  ({
    profiles,
    issuerUrl,
    fetch = globalThis.fetch,
  }: DeleteAccountParts): ((userId: UserId, bearer: string | undefined, trace: TraceHeaders) => Promise<void>) =>
  async (userId, bearer, trace) => {
    if (bearer === undefined) throw new Problem('token_missing');
    const answer = await callIssuer(fetch, `${issuerUrl}/auth/account`, { ...trace, authorization: bearer });
    if (!answer.ok) throw await problemOf(answer);
    // The account that ended is the token's; a token and an assertion of two users never come through one gateway request.
    const { user_id: ended } = (await answer.json()) as { readonly user_id?: unknown };
    if (ended !== userId) throw new Problem('internal_error', { cause: new Error('the issuer ended another account') });
    profiles.delete(userId);
  };

const callIssuer = async (
  fetch: typeof globalThis.fetch,
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<Response> => {
  try {
    return await fetch(url, {
      method: 'DELETE',
      headers,
      redirect: 'error',
      signal: AbortSignal.timeout(issuerTimeoutMs),
    });
  } catch (cause) {
    throw new Problem(isTimeout(cause) ? 'upstream_timeout' : 'upstream_unavailable', { cause });
  }
};

const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError';

/** The issuer speaks the same catalogue of codes: its refusal is passed on as it is. */
const problemOf = async (answer: Response): Promise<Problem> => {
  const code = codeOf((await answer.text()).slice(0, answerLimitCharacters));
  const cause = new Error(`the issuer answered ${answer.status}`);
  if (!isErrorCode(code) || code === 'internal_error') return new Problem('upstream_unavailable', { cause });
  const wait = Number(answer.headers.get('retry-after') ?? Number.NaN);
  return new Problem(code, { cause, ...(Number.isSafeInteger(wait) && { retryAfterSeconds: wait }) });
};

const codeOf = (body: string): unknown => {
  try {
    return (JSON.parse(body) as { readonly code?: unknown } | null)?.code;
  } catch {
    return undefined;
  }
};

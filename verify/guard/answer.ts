import { type ErrorTexts, type Problem, problemContentType, problemDetails, proofChallenge } from '@sallyport/contract';

/** An HTTP answer that any framework can send. */
export interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const realm = 'Bearer realm="sallyport"';

/**
 * RFC 9110 §15.5.2: a 401 MUST carry a challenge. RFC 6750 §3: "This scheme MUST be followed by one or more auth-param values", and §3.1
 * names the errors.
 */
const challenge = ({ code }: Problem): string => {
  if (code.startsWith('assertion_')) return 'Gateway-Assertion';
  if (code === 'token_missing') return realm;
  return (
    proofChallenge(code) ??
    `${realm}, error="${code === 'authorization_malformed' ? 'invalid_request' : 'invalid_token'}"`
  );
};

/**
 * A Problem as problem+json (RFC 9457) with status, challenge and Retry-After. `texts` are the preset's; nothing private
 * of the Problem (its cause) is in it.
 * @param instance the request id
 */
export const problemAnswer = (problem: Problem, texts: ErrorTexts = {}, instance?: string): Answer => {
  const { status, retryAfterSeconds } = problem;
  const retry = retryAfterSeconds ?? (status === 503 ? 1 : undefined);
  return Object.freeze({
    status,
    headers: Object.freeze({
      ...problem.headers,
      'content-type': problemContentType,
      'cache-control': 'no-store',
      ...(status === 401 && { 'www-authenticate': challenge(problem) }),
      ...(retry !== undefined && { 'retry-after': String(retry) }),
    }),
    body: JSON.stringify(problemDetails(problem, texts, instance)),
  });
};

/** The refresh's door: translates, nothing else. */
import { Problem } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { AuthSettings } from '../config.ts';
import type { OpenHandler, RouteAnswer, RouteRequest } from '../route.ts';
import type { KeyProver } from '../tokens/prove-key.ts';
import type { RefreshTransport } from '../tokens/refresh-transport.ts';
import type { TokenAnswerInput } from '../tokens/token-answer.ts';
import type { createRefresh } from './refresh.ts';

export interface RefreshHttpOptions {
  readonly refresh: ReturnType<typeof createRefresh>;
  readonly prover: Pick<KeyProver, 'prove'>;
  readonly transport: RefreshTransport;
  readonly clock: Clock;
  readonly answerWithTokens: (input: TokenAnswerInput) => Promise<RouteAnswer>;
  readonly settings: Pick<AuthSettings, 'messageTexts'>;
}

/** refresh.md: 22 to 128 base64url characters. */
const attemptForm = /^[A-Za-z0-9_-]{22,128}$/;

export const createRefreshHttp = (
  options: RefreshHttpOptions,
): { readonly refresh: OpenHandler; readonly refreshToken: OpenHandler } => {
  const refresh: OpenHandler = async (request) => {
    options.transport.assertSameSite(request);
    const token = options.transport.read(request);
    if (token === undefined) throw tokenMissing(options.transport);
    const { origin, context, proof } = request;
    const attemptId = attemptIdOf(request);
    const proveKey =
      proof && (async (thumbprint: string) => (await options.prover.prove(proof, { thumbprint })).proved);
    const outcome = await options.refresh({ token, attemptId, proveKey, origin, context });
    if (outcome.kind === 'refused') {
      if (outcome.session !== undefined) request.noteUser(outcome.session.userId);
      // Nothing has changed, and the session lives. A client whose clock is wrong makes its proof anew, by ours.
      if (outcome.code === 'proof_required')
        throw new Problem('proof_required', { params: { nowSeconds: Math.floor(options.clock.nowMs() / 1000) } });
      throw new Problem(outcome.code, { headers: options.transport.clearingHeaders() });
    }
    request.noteUser(outcome.user.id);
    return options.answerWithTokens({ status: 200, message: options.settings.messageTexts.refreshed, ...outcome });
  };
  return { refresh, refreshToken: refresh };
};

/** In cookie transport there is nothing that the client could have written differently: it has no session. */
const tokenMissing = (transport: RefreshTransport): Problem =>
  transport.inBody
    ? new Problem('field_missing', { fields: [{ path: '/refresh_token', code: 'field_missing' }] })
    : new Problem('refresh_invalid', { headers: transport.clearingHeaders() });

const attemptIdOf = (request: RouteRequest): string | undefined => {
  const attemptId = request.header('idempotency-key');
  if (attemptId !== undefined && !attemptForm.test(attemptId)) throw new Problem('idempotency_key_invalid');
  return attemptId;
};

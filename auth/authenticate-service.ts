/**
 * Who calls the admin API. A credential is looked up at every call, so that a revoked one is refused from the next call on, and no use of
 * it is faster than its revocation. Whoever is refused learns nothing of why: the audit trail does.
 */
import { type AdminScope, type CredentialId, defaultRealm, Problem } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { Counters } from '@sallyport/storage/contracts/counters';
import { type Credentials, noteUseEveryMs } from '@sallyport/storage/contracts/credentials';
import type { Effects } from '@sallyport/storage/contracts/effects';
import type { ActContext } from '@sallyport/storage/contracts/store';
import { createAddressLimit } from './factors/address-limit.ts';
import type { ServiceCaller } from './route.ts';
import { isDigest, parseToken } from './tokens/credential-token.ts';

export interface ServiceCall {
  readonly route: string;
  readonly scope: AdminScope;
  readonly authorization: string | undefined;
  /** Of a caller whom nobody knows yet. */
  readonly context: ActContext;
  /** Of a call that has been let in already, and counted: whether its credential still lives. */
  readonly isAgain?: boolean;
}

export interface AuthenticateServiceOptions {
  readonly credentials: Pick<Credentials, 'findCredential' | 'noteCredentialUse'>;
  readonly counters: Pick<Counters, 'countAttempt'>;
  readonly effects: Pick<Effects, 'appendEffects'>;
  readonly clock: Clock;
  /** Calls a minute of one credential; 0: no limit. */
  readonly limitPerMinute: number;
}

type Refusal = 'foreign' | 'unknown' | 'revoked' | 'expired' | 'scope';

const minuteMs = 60_000;
/** Refused calls of one address that are written down one by one; beyond, they are limits that were hit, and counted together. */
const refusalsPerMinute = 60;

/** RFC 6750 §2.1 */
const authorizationForm = /^bearer +([A-Za-z0-9\-._~+/]{1,4096}=*)$/i;

/** @throws Problem `token_missing`, `authorization_malformed`, `credential_invalid`, `scope_insufficient`, `rate_limited` */
export const createAuthenticateService = (
  options: AuthenticateServiceOptions,
): ((call: ServiceCall) => Promise<ServiceCaller>) => {
  const { credentials, counters, effects, clock } = options;
  const limitRefused = createAddressLimit({
    ...{ counters, clock, purpose: 'admin-refused', name: 'admin-refused' },
    ...{ windowMs: minuteMs, limit: refusalsPerMinute },
  });
  const limitCalls = createCallLimit(options);

  const refuse = async (call: ServiceCall, reason: Refusal, claimed?: CredentialId): Promise<void> => {
    await limitRefused(call.context.address);
    const data = { reason, route: call.route, ...(claimed !== undefined && { credential: claimed }) };
    const { context } = call;
    await effects.appendEffects([{ act: 'credential.refused', realmId: defaultRealm, data, context }]);
  };

  return async function authenticateService(call) {
    const { authorization = '', context, scope, isAgain = false } = call;
    if (authorization === '') throw new Problem('token_missing');
    const text = authorizationForm.exec(authorization)?.[1];
    if (text === undefined) throw new Problem('authorization_malformed');
    const invalid = async (reason: Refusal, claimed?: CredentialId): Promise<never> => {
      await refuse(call, reason, claimed);
      throw new Problem('credential_invalid', { cause: reason });
    };
    const token = parseToken(text);
    if (token === undefined) return invalid('foreign');
    const { value: found, nowMs } = await credentials.findCredential(defaultRealm, token.id);
    const isRight = isDigest(token, found?.secretHash);
    if (found === undefined || !isRight) return invalid('unknown', token.id);
    if (found.revokedAtMs !== undefined) return invalid('revoked', token.id);
    if (found.expiresAtMs !== undefined && found.expiresAtMs <= nowMs) return invalid('expired', token.id);
    if (!isAgain) await limitCalls(token.id);
    if (!found.scopes.includes(scope)) {
      await refuse({ ...call, context: { ...context, actor: token.id } }, 'scope', token.id);
      throw new Problem('scope_insufficient', { extensions: { scope } });
    }
    if (nowMs - (found.lastUsedAtMs ?? 0) >= noteUseEveryMs)
      await credentials.noteCredentialUse(defaultRealm, token.id);
    return { id: token.id, scopes: found.scopes };
  };
};

/** Exactly, on all issuers together. */
const createCallLimit =
  ({ counters, clock, limitPerMinute }: AuthenticateServiceOptions) =>
  async (id: CredentialId): Promise<void> => {
    if (limitPerMinute === 0) return;
    const gate = { realmId: defaultRealm, purpose: 'admin', subject: id, limit: limitPerMinute, windowMs: minuteMs };
    const { allowed, resetAtMs } = await counters.countAttempt(gate);
    if (allowed) return;
    const retryAfterSeconds = Math.max(1, Math.ceil((resetAtMs - clock.nowMs()) / 1000));
    throw new Problem('rate_limited', {
      params: { retryAfterSeconds },
      retryAfterSeconds,
      headers: {
        'ratelimit-policy': `"admin";q=${limitPerMinute};w=60`,
        ratelimit: `"admin";r=0;t=${retryAfterSeconds}`,
      },
    });
  };

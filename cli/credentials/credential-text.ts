import type { Credential } from '@sallyport/auth/maintenance';

const at = (ms: number): string => new Date(ms).toISOString();

const stateOf = ({ revokedAtMs, expiresAtMs }: Credential, nowMs: number): 'revoked' | 'expired' | 'live' => {
  if (revokedAtMs !== undefined) return 'revoked';
  return expiresAtMs !== undefined && expiresAtMs <= nowMs ? 'expired' : 'live';
};

/** Never the digest. */
export const credentialView = (credential: Credential, nowMs: number) => {
  const { id, name, scopes, createdAtMs, expiresAtMs, lastUsedAtMs, revokedAtMs } = credential;
  return {
    ...{ id, name, state: stateOf(credential, nowMs), scopes, created_at: at(createdAtMs) },
    ...(expiresAtMs !== undefined && { expires_at: at(expiresAtMs) }),
    ...(lastUsedAtMs !== undefined && { last_used_at: at(lastUsedAtMs) }),
    ...(revokedAtMs !== undefined && { revoked_at: at(revokedAtMs) }),
  };
};

/** One line: id, name, state, scopes, until when, last use. */
export const credentialText = (credential: Credential, nowMs: number): string => {
  const { id, name, scopes, expiresAtMs, lastUsedAtMs } = credential;
  const until = expiresAtMs === undefined ? 'until it is revoked' : `until ${at(expiresAtMs)}`;
  const used = lastUsedAtMs === undefined ? 'never used' : `used ${at(lastUsedAtMs)}`;
  return `${[id, name, stateOf(credential, nowMs), scopes.join(','), until, used].join('\t')}\n`;
};

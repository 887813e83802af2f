/** Service credentials: who calls the admin API, and what each may do there. */

/**
 * What names a credential: 12 random characters behind a prefix that scanners of secrets know. No secret: it stands in the audit trail as
 * the actor, and it begins the credential's own text.
 */
export type CredentialId = `sp_${string}`;

const idForm = /^sp_[0-9a-hjkmnp-tv-z]{12}$/;

export const isCredentialId = (value: unknown): value is CredentialId =>
  typeof value === 'string' && idForm.test(value);

/** What a credential may be allowed. Each opens reading or changing of one thing, and nothing else. */
export const adminScopes = [
  'users:read',
  /** Create, disable, enable, delete; not what an account may do. */
  'users:write',
  /** Roles and permissions: whoever has this can make administrators. */
  'roles:write',
  'sessions:read',
  'sessions:write',
  'devices:read',
  'devices:write',
  'audit:read',
  'keys:read',
  'keys:write',
  'events:read',
  'events:write',
] as const;
export type AdminScope = (typeof adminScopes)[number];

export const isAdminScope = (value: unknown): value is AdminScope => adminScopes.some((scope) => scope === value);

/** `devices:*` is what there is of devices now: a scope that a later version adds is not given to whoever has it. Undefined: no such. */
export const expandScope = (given: string): readonly AdminScope[] | undefined => {
  if (isAdminScope(given)) return [given];
  const found = given.endsWith(':*') ? adminScopes.filter((scope) => scope.startsWith(given.slice(0, -1))) : [];
  return found.length === 0 ? undefined : found;
};

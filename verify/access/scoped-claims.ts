import { type AccessTokenClaims, issuerSeparator } from '@sallyport/contract';

/** The ids that an issuer makes up, and that another could make up too. */
const ids = ['sub', 'user_id', 'sid', 'device_id'] as const;

/**
 * The same claims with the issuer's short name before every id of its making: `partner|42`. Whoever keeps what belongs to a user
 * under `sub` then needs to know nothing of issuers, and one issuer cannot name another's users.
 */
export const scopedClaims = (claims: AccessTokenClaims, scope: string): AccessTokenClaims => {
  const scoped: Partial<Record<(typeof ids)[number], string>> = {};
  for (const name of ids) {
    const id = claims[name];
    if (id !== undefined) scoped[name] = `${scope}${issuerSeparator}${id}`;
  }
  return Object.freeze({ ...claims, ...scoped });
};

/** Whether an id of an issuer without short name looks like one of an issuer with such a name. */
export const looksScoped = (claims: AccessTokenClaims): boolean =>
  ids.some((name) => claims[name]?.includes(issuerSeparator) === true);

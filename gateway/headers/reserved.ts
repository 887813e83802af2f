/**
 * The closed identity namespace: names by which the gateway tells services who calls. Whatever a client or a service writes
 * under one of them is removed.
 */

/** Prefixes of folded names. */
export const reservedPrefixes = ['x-user-', 'x-roles', 'x-permissions', 'x-gateway-'] as const;
/** Names that other products read an identity from; whole folded names. */
const reservedNames: ReadonlySet<string> = new Set([
  'x-user',
  'x-role',
  'x-permission',
  'remote-user',
  'x-remote-user',
]);

export type ReservedName = (typeof reservedPrefixes)[number] | 'other';

/**
 * Lower case, all punctuation as `-`: CGI-like layers and some frameworks take `X_User.Id` and `X-User-Id` for one name
 * (RFC 3875 §4.1.18: `-` replaced with `_`).
 */
export const foldName = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');

/** The reserved prefix that a folded name begins with; a closed list, so that it may label a metric. */
export const reservedNameOf = (folded: string): ReservedName | undefined =>
  reservedPrefixes.find((prefix) => folded.startsWith(prefix)) ?? (reservedNames.has(folded) ? 'other' : undefined);

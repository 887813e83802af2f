/** The closed identity namespace. A handler that reads one of these believes whoever wrote it. */
const prefixes = ['x-user-', 'x-roles', 'x-permissions', 'x-gateway-'] as const;

/**
 * True for header names that adapters hide from handlers. Folded first: proxies and CGI-like layers take `X_User.Id` and
 * `X-User-Id` for one name.
 */
export const isIdentityHeader = (name: string): boolean => {
  const folded = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');
  return prefixes.some((prefix) => folded.startsWith(prefix));
};

import { Problem } from '@sallyport/contract';
import type { Anonymous, Identity } from './identity.ts';

/**
 * The caller as a user.
 * @throws Problem assertion_missing where nobody has logged in
 */
export const requireUser = (caller: Identity | Anonymous | undefined): Identity => {
  if (caller?.kind !== 'user') throw new Problem('assertion_missing');
  return caller;
};

/**
 * The caller, who has the role.
 * @throws Problem permission_denied otherwise, also for anonymous callers
 */
export const requireRole = (caller: Identity | Anonymous | undefined, role: string): Identity => {
  if (caller?.kind !== 'user' || !caller.roles.includes(role)) throw new Problem('permission_denied');
  return caller;
};

/**
 * The caller, who has the permission.
 * @throws Problem permission_denied otherwise, also for anonymous callers
 */
export const requirePermission = (caller: Identity | Anonymous | undefined, permission: string): Identity => {
  if (caller?.kind !== 'user' || !caller.permissions.includes(permission)) throw new Problem('permission_denied');
  return caller;
};

import type { Anonymous, Identity } from './identity.ts';
/**
 * The caller as a user.
 * @throws Problem assertion_missing where nobody has logged in
 */
export declare const requireUser: (caller: Identity | Anonymous | undefined) => Identity;
/**
 * The caller, who has the role.
 * @throws Problem permission_denied otherwise, also for anonymous callers
 */
export declare const requireRole: (caller: Identity | Anonymous | undefined, role: string) => Identity;
/**
 * The caller, who has the permission.
 * @throws Problem permission_denied otherwise, also for anonymous callers
 */
export declare const requirePermission: (caller: Identity | Anonymous | undefined, permission: string) => Identity;

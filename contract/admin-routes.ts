/**
 * The routes of the admin API, each with the one scope that it asks for. The issuer serves them on a listener of their own, and where it is told
 * to; no gateway leads there. Callers are service credentials: no token of a user opens any of them.
 */
import { type TObject, type TSchema, Type } from 'typebox';
import {
  adminDevice,
  adminEvent,
  adminKey,
  adminRemovedRoot,
  adminRoot,
  adminSession,
  adminUser,
  auditQuery,
  auditRecord,
  auditReport,
  eventsQuery,
  idParams,
  kidParams,
  newUserBody,
  replayBody,
  rolesBody,
  rootParams,
  usersQuery,
} from './admin-schemas.ts';
import type { AdminScope } from './credentials.ts';
import type { ErrorCode } from './errors.ts';
import { closed } from './field-schemas.ts';

export const adminBasePath = '/v1/admin';

export type AdminRouteId =
  | 'adminListUsers'
  | 'adminCreateUser'
  | 'adminShowUser'
  | 'adminDisableUser'
  | 'adminEnableUser'
  | 'adminDeleteUser'
  | 'adminSetRoles'
  | 'adminListSessions'
  | 'adminEndSessions'
  | 'adminEndSession'
  | 'adminListDevices'
  | 'adminRevokeDevice'
  | 'adminListAudit'
  | 'adminVerifyAudit'
  | 'adminListKeys'
  | 'adminRotateKeys'
  | 'adminRetireKey'
  | 'adminRemoveKey'
  | 'adminListRoots'
  | 'adminRemoveRoot'
  | 'adminListEvents'
  | 'adminReplayEvents';

export interface AdminRouteDefinition {
  readonly id: AdminRouteId;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `adminBasePath`. */
  readonly path: string;
  readonly summary: string;
  readonly scope: AdminScope;
  readonly query?: TObject;
  readonly params?: TObject;
  readonly body?: TSchema;
  readonly answers: Readonly<Record<number, TSchema>>;
  /** What the route itself may answer, beside the common errors and those of credentials. */
  readonly errors: readonly ErrorCode[];
}

/** Any route of the admin API may answer these. */
export const credentialErrors: readonly ErrorCode[] = [
  'token_missing',
  'authorization_malformed',
  'credential_invalid',
  'scope_insufficient',
];

const user = Type.Object({ user: adminUser }, closed);
const keys = Type.Object({ keys: Type.Array(adminKey) }, closed);

const userRoutes: readonly AdminRouteDefinition[] = [
  {
    id: 'adminListUsers',
    method: 'GET',
    path: '/users',
    summary: 'Accounts, oldest first; with `search` those whose e-mail or user name begins with it, in its order',
    scope: 'users:read',
    query: usersQuery,
    answers: { 200: Type.Object({ users: Type.Array(adminUser), next: Type.Optional(Type.String()) }, closed) },
    errors: [],
  },
  {
    id: 'adminCreateUser',
    method: 'POST',
    path: '/users',
    summary: 'Create an account; roles and permissions ask for `roles:write` as well',
    scope: 'users:write',
    body: newUserBody,
    answers: { 201: user },
    errors: [
      ...(['account_exists', 'email_invalid', 'username_unseen', 'password_invalid', 'password_too_short'] as const),
      ...(['password_too_long', 'password_personal', 'password_common', 'password_weak', 'password_breached'] as const),
      'password_check_unavailable',
    ],
  },
  {
    id: 'adminShowUser',
    method: 'GET',
    path: '/users/:id',
    summary: 'One account',
    scope: 'users:read',
    params: idParams,
    answers: { 200: user },
    errors: ['not_found'],
  },
  {
    id: 'adminDisableUser',
    method: 'POST',
    path: '/users/:id/disable',
    summary: 'End all sessions of an account and refuse its logins',
    scope: 'users:write',
    params: idParams,
    answers: { 200: user },
    errors: ['not_found'],
  },
  {
    id: 'adminEnableUser',
    method: 'POST',
    path: '/users/:id/enable',
    summary: 'Let an account log in again',
    scope: 'users:write',
    params: idParams,
    answers: { 200: user },
    errors: ['not_found'],
  },
  {
    id: 'adminDeleteUser',
    method: 'DELETE',
    path: '/users/:id',
    summary: 'Delete an account, as its owner would',
    scope: 'users:write',
    params: idParams,
    answers: { 200: Type.Object({ deleted: Type.Literal(true) }, closed) },
    errors: ['not_found'],
  },
  {
    id: 'adminSetRoles',
    method: 'PUT',
    path: '/users/:id/roles',
    summary: 'Replace the roles and permissions of an account',
    scope: 'roles:write',
    params: idParams,
    body: rolesBody,
    answers: { 200: user },
    errors: ['not_found'],
  },
];

const sessionRoutes: readonly AdminRouteDefinition[] = [
  {
    id: 'adminListSessions',
    method: 'GET',
    path: '/users/:id/sessions',
    summary: 'The live sessions of an account, newest first',
    scope: 'sessions:read',
    params: idParams,
    answers: { 200: Type.Object({ sessions: Type.Array(adminSession) }, closed) },
    errors: ['not_found'],
  },
  {
    id: 'adminEndSessions',
    method: 'DELETE',
    path: '/users/:id/sessions',
    summary: 'End every session of an account',
    scope: 'sessions:write',
    params: idParams,
    answers: { 200: Type.Object({ ended: Type.Literal('all') }, closed) },
    errors: ['not_found'],
  },
  {
    id: 'adminEndSession',
    method: 'DELETE',
    path: '/sessions/:id',
    summary: 'End one session: its access tokens are refused within a second',
    scope: 'sessions:write',
    params: idParams,
    answers: { 200: Type.Object({ ended: Type.Literal(true) }, closed) },
    errors: ['session_unknown'],
  },
  {
    id: 'adminListDevices',
    method: 'GET',
    path: '/users/:id/devices',
    summary: 'The devices of an account, newest first',
    scope: 'devices:read',
    params: idParams,
    answers: { 200: Type.Object({ devices: Type.Array(adminDevice) }, closed) },
    errors: ['not_found'],
  },
  {
    id: 'adminRevokeDevice',
    method: 'DELETE',
    path: '/devices/:id',
    summary: 'Revoke a device and end its session',
    scope: 'devices:write',
    params: idParams,
    answers: { 200: Type.Object({ revoked: Type.Literal(true) }, closed) },
    errors: ['device_unknown'],
  },
];

const auditRoutes: readonly AdminRouteDefinition[] = [
  {
    id: 'adminListAudit',
    method: 'GET',
    path: '/audit',
    summary: 'Records of the audit trail, newest first; that leaves a record too',
    scope: 'audit:read',
    query: auditQuery,
    answers: { 200: Type.Object({ records: Type.Array(auditRecord), next: Type.Optional(Type.String()) }, closed) },
    errors: [],
  },
  {
    id: 'adminVerifyAudit',
    method: 'GET',
    path: '/audit/verification',
    summary: 'Whether the audit trail holds; reads all of it, one caller at a time',
    scope: 'audit:read',
    answers: { 200: auditReport },
    errors: [],
  },
];

const keyRoutes: readonly AdminRouteDefinition[] = [
  {
    id: 'adminListKeys',
    method: 'GET',
    path: '/keys',
    summary: 'The signing keys of the ring; never a private half',
    scope: 'keys:read',
    answers: { 200: keys },
    errors: [],
  },
  {
    id: 'adminRotateKeys',
    method: 'POST',
    path: '/keys/rotate',
    summary: 'Publish the next key of the ring; issuers sign with it as soon as every verifier can have it',
    scope: 'keys:write',
    answers: { 200: keys },
    errors: ['keys_external'],
  },
  {
    id: 'adminRetireKey',
    method: 'POST',
    path: '/keys/:kid/retire',
    summary: 'Take a next or a retired key out of the ring before its time',
    scope: 'keys:write',
    params: kidParams,
    answers: { 200: Type.Object({ retired: Type.Literal(true) }, closed) },
    errors: ['not_found', 'key_signs'],
  },
  {
    id: 'adminRemoveKey',
    method: 'DELETE',
    path: '/keys/:kid',
    summary: 'Refuse everything that a key has signed, wherever the revocation feed is heard',
    scope: 'keys:write',
    params: kidParams,
    answers: {
      200: Type.Object(
        { removed: Type.Literal(true), in_ring: Type.Boolean({ description: 'false: the ring had no such key' }) },
        closed,
      ),
    },
    errors: [],
  },
  {
    id: 'adminListRoots',
    method: 'GET',
    path: '/keys/roots',
    summary: 'What still needs which root key; reads every live session, one caller at a time',
    scope: 'keys:read',
    answers: { 200: Type.Object({ roots: Type.Array(adminRoot) }, closed) },
    errors: [],
  },
  {
    id: 'adminRemoveRoot',
    method: 'DELETE',
    path: '/keys/roots/:kid',
    summary: 'End every session of a root key that others may have; reads every session, one caller at a time',
    scope: 'keys:write',
    params: rootParams,
    answers: { 200: adminRemovedRoot },
    errors: ['key_signs'],
  },
];

const eventRoutes: readonly AdminRouteDefinition[] = [
  {
    id: 'adminListEvents',
    method: 'GET',
    path: '/events',
    summary: 'Events of the outbox, oldest first',
    scope: 'events:read',
    query: eventsQuery,
    answers: { 200: Type.Object({ events: Type.Array(adminEvent), next: Type.Optional(Type.String()) }, closed) },
    errors: [],
  },
  {
    id: 'adminReplayEvents',
    method: 'POST',
    path: '/events/replay',
    summary: 'Let relays send events again, under the ids that they have',
    scope: 'events:write',
    body: replayBody,
    answers: { 200: Type.Object({ replayed: Type.Integer() }, closed) },
    errors: [],
  },
];

export const adminRoutes: readonly AdminRouteDefinition[] = [
  ...userRoutes,
  ...sessionRoutes,
  ...auditRoutes,
  ...keyRoutes,
  ...eventRoutes,
];

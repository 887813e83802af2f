/**
 * The issuer's routes with their schemas: one table that the server mounts, the OpenAPI document prints and the tests walk.
 * Shapes depend on a few settings (which identifier logs in, which fields registration takes); everything else is the same in
 * every preset. Members tagged `secret: true` are redacted from every log. All objects are closed.
 */
import { type TObject, type TSchema, Type } from 'typebox';
import {
  changeDeviceBody,
  confirmDeviceBody,
  deviceParams,
  deviceProof,
  deviceSchema,
  registerDeviceBody,
  signedUsername,
} from './device-schemas.ts';
import type { ErrorCode } from './errors.ts';
import { closed, limits, type ProfileField, password, profileFields, secret, wellFormed } from './field-schemas.ts';
import { refreshRefusals } from './refresh-refusals.ts';

export interface RouteShape {
  readonly identifier: 'email' | 'username';
  readonly requiredFields: readonly ProfileField[];
  readonly optionalFields: readonly ProfileField[];
  /** Logins come from registered devices alone, with proof of their key: `register-device` takes the place of `register`. */
  readonly devices?: boolean;
}

export const userSchema = Type.Object(
  {
    id: Type.String(),
    email: Type.Optional(Type.String()),
    username: Type.Optional(Type.String()),
    name: Type.Optional(Type.String()),
    first_name: Type.Optional(Type.String()),
    last_name: Type.Optional(Type.String()),
    display_name: Type.Optional(Type.String()),
    phone_number: Type.Optional(Type.String(secret)),
    avatar_url: Type.Optional(Type.String()),
    user_id: Type.Optional(Type.String({ description: 'the same as `id`, where a contract calls it so' })),
    is_new_user: Type.Optional(Type.Boolean()),
    role: Type.String(),
    roles: Type.Array(Type.String()),
    permissions: Type.Array(Type.String()),
  },
  { ...closed, title: 'User' },
);

const message = Type.String();
const tokenMembers = {
  message,
  access_token: Type.String(secret),
  refresh_token: Type.Optional(Type.String(secret)),
  csrf_token: Type.Optional(Type.String(secret)),
  token_type: Type.Union([Type.Literal('Bearer'), Type.Literal('DPoP')], {
    description: '`DPoP`: bound to a key, whose proof has to come with each request (RFC 9449)',
  }),
  expires_in: Type.Integer({ description: 'seconds' }),
};
const messageAnswer = Type.Object({ message }, closed);
const tokenAnswer = Type.Object({ ...tokenMembers, user: userSchema }, closed);
const loginAnswer = Type.Object(
  {
    ...tokenMembers,
    session_id: Type.Optional(Type.String({ description: 'as the client has named the session; a label' })),
    user: userSchema,
  },
  closed,
);
const registerAnswer = Type.Object({ message, user: userSchema, ...optional(tokenMembers) }, closed);
const sessionSchema = Type.Object(
  {
    id: Type.String(),
    current: Type.Boolean({ description: 'true for the session that asks' }),
    created_at: Type.String({ format: 'date-time' }),
    last_seen_at: Type.String({ format: 'date-time' }),
    expires_at: Type.String({ format: 'date-time' }),
    address: Type.Optional(Type.String()),
    user_agent: Type.Optional(Type.String()),
    label: Type.Optional(Type.String()),
    device_id: Type.Optional(Type.String()),
    device_info: Type.Optional(Type.String()),
  },
  { ...closed, title: 'Session' },
);
function optional(members: Record<string, TSchema>): Record<string, TSchema> {
  const { message: _required, ...rest } = members;
  return Object.fromEntries(Object.entries(rest).map(([name, schema]) => [name, Type.Optional(schema)]));
}

/** In cookie transport the token travels in its cookie, so the member is optional; what is missing altogether is refused by the use case. */
const refreshBody = Type.Object(
  { refresh_token: Type.Optional(Type.String({ maxLength: limits.refreshTokenLength, secret: true })) },
  closed,
);

const identifierMember = (shape: RouteShape): Record<string, TSchema> =>
  shape.identifier === 'email'
    ? { email: Type.String({ ...wellFormed, maxLength: limits.emailLength }) }
    : { username: Type.String({ ...wellFormed, maxLength: limits.usernameLength }) };

export const registerBody = (shape: RouteShape): TObject =>
  Type.Object(
    {
      ...identifierMember(shape),
      password,
      ...Object.fromEntries(shape.requiredFields.map((name) => [name, profileFields[name]])),
      ...Object.fromEntries(shape.optionalFields.map((name) => [name, Type.Optional(profileFields[name])])),
    },
    closed,
  );

export const loginBody = (shape: RouteShape): TObject =>
  Type.Object(
    shape.devices === true
      ? { username: signedUsername, password, ...deviceProof }
      : { ...identifierMember(shape), password },
    closed,
  );

export const changePasswordBody = Type.Object({ current_password: password, new_password: password }, closed);
export const sessionParams = Type.Object({ id: Type.String({ minLength: 36, maxLength: 36 }) }, closed);

export interface RouteDefinition {
  /** Unique; the room's handler is found under it. */
  readonly id: RouteId;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the preset's base path; absolute when it opens with `//`, which stands for the server's root. */
  readonly path: string;
  readonly summary: string;
  readonly bearer: boolean;
  readonly body?: TSchema;
  /** True where a POST without body and content type is fine. */
  readonly bodyOptional?: boolean;
  readonly params?: TObject;
  readonly answers: Readonly<Record<number, TSchema>>;
  /** What the route itself may answer, beside `commonErrors`. */
  readonly errors: readonly ErrorCode[];
}

export type RouteId =
  | 'register'
  | 'login'
  | 'refresh'
  | 'refreshToken'
  | 'logout'
  | 'revoke'
  | 'logoutAll'
  | 'me'
  | 'verify'
  | 'listSessions'
  | 'endSession'
  | 'endOtherSessions'
  | 'changePassword'
  | 'registerDevice'
  | 'confirmDevice'
  | 'listDevices'
  | 'changeDevice'
  | 'revokeDevice'
  | 'revokeOtherDevices'
  | 'deleteAccount'
  | 'publicKey'
  | 'jwks'
  | 'serverMetadata'
  | 'health'
  | 'ready';

/** Any route may answer these. */
export const commonErrors: readonly ErrorCode[] = [
  'body_invalid',
  'field_missing',
  'field_invalid',
  'query_invalid',
  'header_invalid',
  'path_refused',
  'body_too_large',
  'media_type_unsupported',
  'request_timeout',
  'uri_too_long',
  'headers_too_large',
  'request_malformed',
  'route_unknown',
  'method_not_allowed',
  'rate_limited',
  'busy',
  'store_unavailable',
  'audit_unavailable',
  'shutting_down',
  'internal_error',
];

const proofErrors: readonly ErrorCode[] = ['proof_required', 'proof_invalid', 'proof_replayed'];
const bearerErrors: readonly ErrorCode[] = [
  'token_missing',
  'authorization_malformed',
  'token_invalid',
  'token_expired',
  'token_revoked',
  'token_stale',
  'user_unknown',
  ...proofErrors,
];
const refreshErrors: readonly ErrorCode[] = [
  ...refreshRefusals,
  'signer_unavailable',
  'idempotency_key_invalid',
  'cookie_ambiguous',
  'origin_refused',
];
const passwordErrors: readonly ErrorCode[] = [
  'password_invalid',
  'password_too_short',
  'password_too_long',
  'password_personal',
  'password_common',
  'password_weak',
  'password_breached',
  'password_check_unavailable',
];

const registerRoute = (shape: RouteShape): RouteDefinition => ({
  id: 'register',
  method: 'POST',
  path: '/register',
  summary: 'Create an account',
  bearer: false,
  body: registerBody(shape),
  answers: { 201: registerAnswer },
  errors: [
    'signer_unavailable',
    'account_exists',
    'email_invalid',
    'username_unseen',
    'origin_refused',
    ...passwordErrors,
  ],
});

const deviceRoutes: readonly RouteDefinition[] = [
  {
    id: 'registerDevice',
    method: 'POST',
    path: '/register-device',
    summary: 'Begin the registration of a device; a new user name makes the account',
    bearer: false,
    body: registerDeviceBody,
    answers: {
      201: Type.Object(
        {
          device_id: Type.String(),
          curve: Type.String(),
          server_public_key: Type.String(),
          server_mac: Type.String(),
          server_signature: Type.String(),
          is_new_user: Type.Boolean(),
        },
        closed,
      ),
    },
    errors: [
      'signer_unavailable',
      'credentials_invalid',
      'device_key_invalid',
      'device_limit_reached',
      'username_unseen',
      ...proofErrors,
      ...passwordErrors,
    ],
  },
  {
    id: 'confirmDevice',
    method: 'POST',
    path: '/register-device/confirm',
    summary: 'Show that the device holds its key: it can log in from then on',
    bearer: false,
    body: confirmDeviceBody,
    answers: { 200: messageAnswer },
    errors: ['signer_unavailable', 'credentials_invalid'],
  },
  {
    id: 'listDevices',
    method: 'GET',
    path: '/devices',
    summary: 'The devices of the user, newest first',
    bearer: true,
    answers: { 200: Type.Object({ devices: Type.Array(deviceSchema) }, closed) },
    errors: bearerErrors,
  },
  {
    id: 'changeDevice',
    method: 'POST',
    path: '/devices/:id',
    summary: 'Name a device, or remember it for a time',
    bearer: true,
    params: deviceParams,
    body: changeDeviceBody,
    answers: { 200: messageAnswer },
    errors: [...bearerErrors, 'device_unknown', 'permission_denied'],
  },
  {
    id: 'revokeDevice',
    method: 'DELETE',
    path: '/devices/:id',
    summary: 'Revoke a device of the user and end its session',
    bearer: true,
    params: deviceParams,
    answers: { 200: messageAnswer },
    errors: [...bearerErrors, 'device_unknown'],
  },
  {
    id: 'revokeOtherDevices',
    method: 'DELETE',
    path: '/devices',
    summary: 'Revoke every device of the user but the one that asks, and end their sessions',
    bearer: true,
    answers: { 200: Type.Object({ message, revoked: Type.Integer() }, closed) },
    errors: bearerErrors,
  },
];

export const issuerRoutes = (shape: RouteShape): readonly RouteDefinition[] => {
  const refreshRoute = { method: 'POST', bearer: false, body: refreshBody, bodyOptional: true } as const;
  return [
    ...(shape.devices === true ? deviceRoutes : [registerRoute(shape)]),
    {
      id: 'login',
      method: 'POST',
      path: '/login',
      summary: 'Start a session',
      bearer: false,
      body: loginBody(shape),
      answers: { 200: loginAnswer },
      errors: [
        'signer_unavailable',
        'credentials_invalid',
        'account_disabled',
        'password_too_long',
        'origin_refused',
        'cookie_ambiguous',
      ],
    },
    {
      ...refreshRoute,
      id: 'refresh',
      path: '/refresh',
      summary: 'Exchange a refresh token for an access token',
      answers: { 200: tokenAnswer },
      errors: refreshErrors,
    },
    {
      ...refreshRoute,
      id: 'refreshToken',
      path: '/refresh-token',
      summary: 'The same as refresh',
      answers: { 200: tokenAnswer },
      errors: refreshErrors,
    },
    {
      ...refreshRoute,
      id: 'logout',
      path: '/logout',
      summary: 'End the session of a refresh token',
      answers: { 200: messageAnswer },
      errors: ['cookie_ambiguous', 'origin_refused'],
    },
    {
      ...refreshRoute,
      id: 'revoke',
      path: '/revoke',
      summary: 'Revoke a refresh token and its session',
      answers: { 200: messageAnswer },
      errors: ['cookie_ambiguous', 'origin_refused'],
    },
    {
      id: 'logoutAll',
      method: 'POST',
      path: '/logout-all',
      summary: 'End every session of the user',
      bearer: true,
      answers: { 200: messageAnswer },
      errors: bearerErrors,
    },
    {
      id: 'me',
      method: 'GET',
      path: '/me',
      summary: 'The user of the access token',
      bearer: true,
      answers: { 200: Type.Object({ user: userSchema }, closed) },
      errors: bearerErrors,
    },
    {
      id: 'verify',
      method: 'GET',
      path: '/verify',
      summary: 'Check an access token and, where sent, the CSRF pair',
      bearer: true,
      answers: {
        200: Type.Object({ valid: Type.Literal(true), csrf_valid: Type.Boolean(), user: userSchema }, closed),
      },
      errors: [...bearerErrors, 'cookie_ambiguous'],
    },
    {
      id: 'listSessions',
      method: 'GET',
      path: '/sessions',
      summary: 'The live sessions of the user, newest first',
      bearer: true,
      answers: { 200: Type.Object({ sessions: Type.Array(sessionSchema) }, closed) },
      errors: bearerErrors,
    },
    {
      id: 'endSession',
      method: 'DELETE',
      path: '/sessions/:id',
      summary: 'End one session of the user',
      bearer: true,
      params: sessionParams,
      answers: { 200: messageAnswer },
      errors: [...bearerErrors, 'session_unknown'],
    },
    {
      id: 'endOtherSessions',
      method: 'DELETE',
      path: '/sessions',
      summary: 'End every session of the user but the one that asks',
      bearer: true,
      answers: { 200: Type.Object({ message, ended: Type.Integer() }, closed) },
      errors: bearerErrors,
    },
    {
      id: 'changePassword',
      method: 'POST',
      path: '/password',
      summary: 'Change the password; every other session ends, this one gets fresh tokens',
      bearer: true,
      body: changePasswordBody,
      answers: { 200: tokenAnswer },
      errors: [...bearerErrors, ...passwordErrors, 'signer_unavailable', 'password_unchanged', 'credentials_invalid'],
    },
    {
      id: 'deleteAccount',
      method: 'DELETE',
      path: '/account',
      summary: 'Delete the account and end its sessions',
      bearer: true,
      answers: { 200: Type.Object({ message, user_id: Type.String() }, closed) },
      errors: bearerErrors,
    },
    {
      id: 'publicKey',
      method: 'GET',
      path: '/public-key',
      summary: 'Public signing keys as PEM (SPKI), current first',
      bearer: false,
      answers: { 200: Type.String() },
      errors: ['no_public_key', 'public_key_unavailable'],
    },
    {
      id: 'jwks',
      method: 'GET',
      path: '//.well-known/jwks.json',
      summary: 'Public signing keys as a JWK set (RFC 7517)',
      bearer: false,
      answers: { 200: Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) }, closed) },
      errors: [],
    },
    {
      id: 'serverMetadata',
      method: 'GET',
      path: '//.well-known/oauth-authorization-server',
      summary: 'Authorization server metadata (RFC 8414), where the issuer is a URL',
      bearer: false,
      answers: { 200: Type.Record(Type.String(), Type.Unknown()) },
      errors: [],
    },
    {
      id: 'health',
      method: 'GET',
      path: '//health',
      summary: 'The process lives',
      bearer: false,
      answers: { 200: Type.Object({ status: Type.String(), service: Type.String() }, closed) },
      errors: [],
    },
    {
      id: 'ready',
      method: 'GET',
      path: '//ready',
      summary: 'The server can serve',
      bearer: false,
      answers: { 200: Type.Object({ status: Type.Literal('ready') }, closed) },
      errors: ['not_ready'],
    },
  ];
};

/** Whether a request may change something: those are written down first, where that is the audit's mode. */
export const changesSomething = ({ method }: Pick<RouteDefinition, 'method'>): boolean => method !== 'GET';

/** Where a route answers, given the preset's base path (for example `/auth`, or the empty string). */
export const routePath = (route: Pick<RouteDefinition, 'path'>, basePath: string): string =>
  route.path.startsWith('//') ? route.path.slice(1) : basePath + route.path;

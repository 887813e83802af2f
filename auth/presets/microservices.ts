import type { AuthPreset } from '../config.ts';

const missing = 'Email, password, and name are required';
const invalidBody = 'Invalid request body';
const notFound = 'Refresh token not found or revoked';

/** contracts/microservices.md: issuer behind the gateway, HS256, bcrypt 12, no rotation, CSRF cookie. */
export const microservices: AuthPreset = {
  serviceName: 'auth-service',
  basePath: '/auth',
  issuer: 'auth-service',
  jwtAlgorithm: 'HS256',
  accessTokenTtlSeconds: 900,
  refreshTokenTtlSeconds: 604_800,
  refreshRotation: false,
  passwordHash: 'bcrypt',
  bcryptCost: 12,
  // The contract asks for eight characters and nothing else.
  passwordMinScore: 0,
  passwordRefuseCommon: false,
  passwordRefusePersonal: false,
  revealDisabled: true,
  csrfCookie: 'csrf_token',
  corsOrigins: ['http://localhost:3000', 'http://localhost:8080'],
  shape: { identifier: 'email', requiredFields: ['name'], optionalFields: [] },
  claims: ['user_id', 'email', 'name'],
  errorTexts: {
    body_invalid: { error: invalidBody },
    field_invalid: { error: invalidBody },
    email_invalid: { error: invalidBody },
    password_too_long: { error: invalidBody },
    password_invalid: { error: invalidBody },
    field_missing: { error: invalidBody },
    password_too_short: { error: 'Password must be at least 8 characters' },
    account_exists: { error: 'User with this email already exists' },
    refresh_invalid: { error: 'Invalid or expired refresh token' },
    refresh_expired: { error: 'Refresh token expired' },
    refresh_reused: { error: notFound },
    session_revoked: { error: notFound },
    session_lost: { error: notFound },
    authorization_malformed: { error: 'Invalid authorization header format' },
    token_invalid: { error: 'Invalid or expired token' },
    token_expired: { error: 'Invalid or expired token' },
    token_revoked: { error: 'Invalid or expired token' },
    token_stale: { error: 'Invalid or expired token' },
  },
  routeErrorTexts: { register: { field_missing: { error: missing } } },
};

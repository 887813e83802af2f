import type { AuthPreset } from '../config.ts';

const credentials = { error: 'invalid credentials' };
const request = { error: 'invalid request' };
const token = { error: 'invalid refresh token' };

/** contracts/device-chat.md: logins from registered devices alone, RS256, no rotation; the chat service verifies on its own. */
export const deviceChat: AuthPreset = {
  serviceName: 'user-service',
  port: 8080,
  basePath: '/api/auth',
  issuer: 'user-service',
  jwtAlgorithm: 'RS256',
  defaultPrivateKeyPath: 'keys/jwt_private_key.pem',
  accessTokenTtlSeconds: 7200,
  refreshTokenTtlSeconds: 2_592_000,
  refreshRotation: false,
  refreshLimitPerHour: 10,
  // "Cached in Redis where there is one": a Redis that is away fails no login.
  redisRole: 'cache',
  // Hardened as the contract says: length only.
  passwordMinScore: 0,
  passwordRefuseCommon: false,
  passwordRefusePersonal: false,
  corsOrigins: ['http://localhost:3000'],
  shape: {
    identifier: 'username',
    requiredFields: [],
    optionalFields: ['phone_number', 'display_name'],
    devices: true,
  },
  // The contract's two, and who writes: a chat without names shows ids.
  claims: ['user_id', 'device_id', 'preferred_username'],
  messageTexts: {
    registered: 'User registered successfully',
    loggedIn: 'Login successful',
    refreshed: 'Token refreshed successfully',
    loggedOut: 'logged out successfully',
    loggedOutEverywhere: 'logged out from all devices',
    revoked: 'Token revoked successfully',
    sessionEnded: 'Session ended',
    otherSessionsEnded: 'Other sessions ended',
    passwordChanged: 'Password changed successfully',
    accountDeleted: 'Account deleted successfully',
    deviceConfirmed: 'device registered',
    deviceChanged: 'device changed',
    deviceRevoked: 'device revoked',
    otherDevicesRevoked: 'other devices revoked',
  },
  errorTexts: {
    credentials_invalid: credentials,
    account_disabled: credentials,
    body_invalid: request,
    field_missing: request,
    field_invalid: request,
    media_type_unsupported: request,
    device_key_invalid: request,
    username_unseen: request,
    idempotency_key_invalid: request,
    refresh_invalid: token,
    refresh_expired: token,
    refresh_reused: token,
    session_revoked: token,
    session_lost: token,
    proof_required: token,
  },
};

import type { AuthPreset } from '../config.ts';

const invalidToken = { error: 'InvalidToken' };

/** contracts/event-driven.md: an issuer that only issues, at the root; HS256, rotation, events through an outbox to Kafka. */
export const eventDriven: AuthPreset = {
  serviceName: 'auth-service',
  basePath: '',
  issuer: 'realchat-auth',
  audience: 'realchat',
  jwtAlgorithm: 'HS256',
  accessTokenTtlSeconds: 3600,
  refreshTokenTtlSeconds: 86_400,
  refreshRotation: true,
  passwordHash: 'bcrypt',
  bcryptCost: 12,
  corsOrigins: [],
  shape: { identifier: 'email', requiredFields: [], optionalFields: ['name'] },
  // The contract's claims are all standard ones: who the person is stands in the events.
  claims: [],
  kafkaTopic: 'user-events',
  kafkaCreateTopic: true,
  errorTexts: {
    credentials_invalid: { error: 'InvalidCredentials' },
    refresh_invalid: invalidToken,
    refresh_expired: invalidToken,
    refresh_reused: invalidToken,
    session_revoked: invalidToken,
    session_lost: invalidToken,
    token_missing: invalidToken,
    authorization_malformed: invalidToken,
    token_invalid: invalidToken,
    token_expired: invalidToken,
    token_revoked: invalidToken,
    token_stale: invalidToken,
    user_unknown: invalidToken,
    store_unavailable: { error: 'InternalError' },
    signer_unavailable: { error: 'InternalError' },
  },
};

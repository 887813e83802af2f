import type { AuthPreset } from '../config.ts';
import { microservices } from './microservices.ts';

/**
 * contracts/edge-gateway.md: issuer behind the gateway, RS256, roles and permissions in the token, refresh families. Registration and
 * login "as in microservices": what follows is what differs.
 */
export const edgeGateway: AuthPreset = {
  ...microservices,
  jwtAlgorithm: 'RS256',
  accessTokenTtlSeconds: 1800,
  refreshRotation: true,
  // The contract names no hash: the engine's own.
  passwordHash: 'argon2id',
  corsOrigins: [],
};

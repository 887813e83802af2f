import type { GatewayPreset } from '../config.ts';
import type { ProxyRule } from '../routes.ts';

const issuer = 'auth-service';
const invalidToken = { error: 'InvalidToken' };

/** Whoever comes here has no access token yet, or shows a refresh token instead. */
const open = ['/register', '/login', '/refresh', '/refresh-token', '/logout', '/revoke'].map(
  (path): ProxyRule => ({
    path,
    methods: ['POST'],
    service: issuer,
    access: 'public',
    // What the issuer takes: it would answer before the body is whole and close, and the answer could be lost on the way.
    limits: { bodyBytes: 16_384 },
  }),
);

/** Judged here first, and by the issuer once more: it needs the token itself. */
const own = ['/me', '/verify', '/sessions', '/sessions/*', '/password', '/logout-all', '/account'].map(
  (path): ProxyRule => ({
    path,
    service: issuer,
    access: 'protected',
    csrf: 'never',
    forwardAuthorization: true,
    limits: { bodyBytes: 16_384 },
  }),
);

/**
 * contracts/event-driven.md: the gateway holds JWT_SECRET and verifies on its own, so that what is served here asks the issuer for
 * nothing. The access token travels in `Authorization` alone, which no page of another site can send: no CSRF token.
 */
export const eventDriven: GatewayPreset = {
  serviceName: 'api-gateway',
  issuer: 'realchat-auth',
  audience: 'realchat',
  jwtAlgorithm: 'HS256',
  services: [
    { id: issuer, url: 'authServiceUrl', defaultPort: 8081, issuer: true },
    { id: 'profile-service', url: 'profileServiceUrl', defaultPort: 8082 },
  ],
  routes: [
    { path: '/health', answer: 'health' },
    { path: '/ready', answer: 'ready' },
    ...open,
    ...own,
    // Public keys, for whoever signs with RS256 or ES256 instead.
    { path: '/.well-known/jwks.json', methods: ['GET', 'HEAD'], service: issuer, access: 'public' },
    { path: '/profile', service: 'profile-service', access: 'protected', csrf: 'never' },
  ],
  errorTexts: {
    token_missing: invalidToken,
    authorization_malformed: invalidToken,
    token_invalid: invalidToken,
    token_expired: invalidToken,
    token_revoked: invalidToken,
    token_stale: invalidToken,
    revocation_unavailable: { error: 'InternalError' },
  },
};

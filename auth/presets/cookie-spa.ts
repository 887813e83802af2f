import type { AuthPreset } from '../config.ts';

/** contracts/cookie-spa.md: no gateway; access token in memory, refresh token in an HttpOnly cookie, rotated at every use. */
export const cookieSpa: AuthPreset = {
  serviceName: 'auth-service',
  port: 8080,
  basePath: '/api/v1/auth',
  issuer: 'expense-insights-auth',
  jwtAlgorithm: 'HS256',
  accessTokenTtlSeconds: 900,
  refreshTokenTtlSeconds: 604_800,
  refreshRotation: true,
  refreshTransport: 'cookie',
  refreshCookie: 'refresh_token',
  refreshCookiePath: '/api/v1/auth',
  // The default's `__Host-` needs Secure, and the contract lets COOKIE_SECURE=off take that away.
  csrfCookie: 'csrf_token',
  registrationIssuesTokens: true,
  passwordMinScore: 3,
  corsOrigins: ['http://localhost:3000'],
  shape: { identifier: 'email', requiredFields: ['first_name', 'last_name'], optionalFields: [] },
  claims: ['user_id', 'email', 'role'],
};

import type { GatewayPreset } from '../config.ts';
import type { ProxyRule } from '../routes.ts';

const apiPrefix = '/api/v1';
const invalidToken = { error: 'Invalid or expired token', details: 'The access token cannot be accepted' };
const unavailable = { error: 'Service unavailable', details: 'The service behind the gateway does not answer' };

const guarded = (name: string, service: string): ProxyRule[] =>
  [`${apiPrefix}/${name}`, `${apiPrefix}/${name}/*`].map((path) => ({
    path,
    service,
    access: 'protected',
    stripPrefix: apiPrefix,
  }));

/** contracts/microservices.md: gateway with CSRF, flood limit and signed identity before four services. */
export const microservices: GatewayPreset = {
  serviceName: 'api-gateway',
  issuer: 'auth-service',
  jwtAlgorithm: 'HS256',
  csrfCookie: 'csrf_token',
  corsOrigins: ['http://localhost:3000', 'http://localhost:8080'],
  floodLimitPerMinute: 100,
  floodLimitBurst: 10,
  services: [
    { id: 'auth-service', url: 'authServiceUrl', defaultPort: 8081, plain: true, issuer: true },
    { id: 'user-service', url: 'userServiceUrl', defaultPort: 8082, plain: true },
    { id: 'payment-service', url: 'paymentServiceUrl', defaultPort: 8083, plain: true },
    { id: 'notification-service', url: 'notificationServiceUrl', defaultPort: 8084, plain: true },
  ],
  routes: [
    { path: '/health', answer: 'health' },
    { path: '/ready', answer: 'ready' },
    {
      path: `${apiPrefix}/auth/*`,
      service: 'auth-service',
      access: 'public',
      stripPrefix: apiPrefix,
      // What the issuer takes: it would answer before the body is whole and close, and the answer could be lost on the way.
      limits: { bodyBytes: 16_384 },
    },
    ...guarded('users', 'user-service'),
    {
      // The user service ends the account at the issuer too, as the caller.
      path: `${apiPrefix}/users/account`,
      methods: ['DELETE'],
      service: 'user-service',
      access: 'protected',
      stripPrefix: apiPrefix,
      forwardAuthorization: true,
    },
    ...guarded('payments', 'payment-service'),
    ...guarded('notifications', 'notification-service'),
  ],
  errorTexts: {
    token_missing: { error: 'Authorization header missing' },
    authorization_malformed: { error: 'Invalid authorization header format. Expected: Bearer <token>' },
    token_invalid: invalidToken,
    token_expired: invalidToken,
    token_revoked: invalidToken,
    token_stale: invalidToken,
    csrf_header_missing: {
      error: 'CSRF token missing in header',
      hint: 'Include X-CSRF-Token header with your request',
    },
    csrf_cookie_missing: { error: 'CSRF token missing in cookie', hint: 'Login first to obtain CSRF token' },
    csrf_mismatch: { error: 'CSRF token mismatch', hint: 'Token in header must match token in cookie' },
    rate_limited: { error: 'Rate limit exceeded', hint: 'Too many requests. Please try again later.' },
    upstream_unavailable: unavailable,
    upstream_timeout: { error: 'Service took too long', details: 'The service behind the gateway is too slow' },
    route_unknown: { error: 'Route not found' },
  },
};

import type { GatewayPreset } from '../config.ts';
import { lackable } from '../issuers/issuer-rule.ts';

const backend = {
  service: 'backend',
  access: 'protected',
  // The access token travels in `Authorization` alone, which no page of another site can send.
  csrf: 'never',
} as const;

/** contracts/edge-gateway.md: the one public service; it validates, forwards roles and permissions, and hands `/auth/*` to the issuer. */
export const edgeGateway: GatewayPreset = {
  serviceName: 'api-gateway',
  issuer: 'auth-service',
  jwtAlgorithm: 'RS256',
  mayLack: [...lackable],
  csrfCookie: 'csrf_token',
  services: [
    { id: 'auth-service', url: 'authServiceUrl', defaultPort: 8081, issuer: true },
    { id: 'backend', url: 'backendServiceUrl', defaultPort: 8082 },
  ],
  routes: [
    { path: '/health', answer: 'health' },
    { path: '/ready', answer: 'ready' },
    {
      path: '/auth/*',
      service: 'auth-service',
      access: 'public',
      // What the issuer takes: it would answer before the body is whole and close, and the answer could be lost on the way.
      limits: { bodyBytes: 16_384 },
    },
    // Public keys, for whoever verifies tokens by himself.
    { path: '/.well-known/jwks.json', methods: ['GET', 'HEAD'], service: 'auth-service', access: 'public' },
    { ...backend, path: '/api/*' },
    { ...backend, path: '/api/admin/*', roles: ['admin'] },
    { ...backend, path: '/api/documents/*', methods: ['DELETE'], permissions: ['documents:delete'] },
  ],
};

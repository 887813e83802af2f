import { describe, expect, it } from 'vitest';
import { problemOf, send, startGateway } from '../testing/rig.ts';

const privatePaths = [
  '/metrics',
  '/v1/revocations',
  '/admin',
  '/v1/admin/users',
  '/api/v1/admin/users',
  '/openapi.json',
  '/docs',
  '/.well-known/jwks.json',
  '/public-key',
  '/api/v1',
  '/api/v1/auth',
  '/api/v1/metrics',
  '/api/v1/health',
  '/api/v1/openapi.json',
  '/api/v1/usersx',
  '/API/v1/users',
  '/auth/login',
  '/users/profile',
  '/',
];

describe('the public door', () => {
  it('knows the routes of the preset and no other path', async () => {
    const gateway = await startGateway();
    for (const path of privatePaths) {
      const answer = await send(gateway, `${path}?secret=1`);
      expect(answer.status, path).toBe(404);
      expect(problemOf(answer)).toMatchObject({ code: 'route_unknown', error: 'Route not found', path });
      expect(answer.body).not.toContain('secret');
    }
    expect(gateway.services.seen()).toBe(0);
  });

  it('leaves metrics to the private listener, which knows no route of the product', async () => {
    const gateway = await startGateway();
    expect((await fetch(`${gateway.privateUrl}/metrics`)).status).toBe(200);
    expect((await fetch(`${gateway.privateUrl}/ready`)).status).toBe(200);
    expect((await fetch(`${gateway.privateUrl}/api/v1/auth/verify`)).status).toBe(404);
  });
});

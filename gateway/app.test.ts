import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  bearer,
  gatewaySecret,
  seenBy,
  send,
  sid,
  startGateway,
  unsafe,
  userId,
  valuesOf,
  verifierOf,
} from './testing/rig.ts';

describe('the microservices preset', () => {
  it('proxies a protected GET with a signed identity and without the token', async () => {
    const gateway = await startGateway();
    const answer = await send(gateway, '/api/v1/users/profile?x=1', { headers: bearer() });
    expect(answer.status).toBe(200);
    const seen = seenBy(answer);
    expect(seen).toMatchObject({ method: 'GET', target: '/users/profile?x=1' });
    expect(valuesOf(seen, 'authorization')).toEqual([]);
    expect(valuesOf(seen, 'x-user-id')).toEqual([userId]);
    expect(valuesOf(seen, 'x-user-email')).toEqual(['ann@example.com']);
    const expected = createHmac('sha256', gatewaySecret).update(`${userId}:ann@example.com`).digest('hex');
    expect(valuesOf(seen, 'x-gateway-signature')).toEqual([expected]);
    const [assertion] = valuesOf(seen, 'x-gateway-assertion');
    const verified = verifierOf('user-service').verify(assertion, { method: 'GET', target: '/users/profile?x=1' });
    expect(verified).toMatchObject({
      ok: true,
      identity: { userId, name: 'Ann', sessionId: sid, clientAddress: '127.0.0.1' },
    });
    expect(valuesOf(seen, 'x-request-id')).toEqual([answer.headers['x-request-id']]);
    expect(valuesOf(seen, 'traceparent')[0]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(valuesOf(seen, 'transfer-encoding')).toEqual([]);
  });

  it('proxies an unsafe request with its body', async () => {
    const gateway = await startGateway();
    const answer = await send(gateway, '/api/v1/payments', { method: 'POST', headers: unsafe(), body: '{"amount":1}' });
    expect(answer.status).toBe(200);
    expect(seenBy(answer)).toMatchObject({ method: 'POST', target: '/payments', body: '{"amount":1}' });
  });
});

import { describe, expect, it } from 'vitest';
import { bearer, problemOf, seenBy, send, startGateway, valuesOf, verifierOf } from '../testing/rig.ts';

describe('a claim', () => {
  it.each([
    ['email', 'a@b.c\r\nX-User-ID: 1'],
    ['email', 'a@b.c\nx'],
    ['sub', 'a\u0000b'],
    ['name', 'a\u0085b'],
    ['roles', ['admin\r\nX-Permissions: all']],
  ])('with a control character in %s refuses the token', async (claim, value) => {
    const gateway = await startGateway();
    const answer = await send(gateway, '/api/v1/users/profile', { headers: bearer({ [claim]: value }) });
    expect(answer.status).toBe(401);
    expect(gateway.services.seen()).toBe(0);
  });

  it('beyond ASCII arrives whole in the assertion and percent-encoded in the readable headers', async () => {
    const gateway = await startGateway();
    const email = 'jörg 100%@müller.example';
    const claims = { email, name: 'Jörg 山田', roles: ['prüfer', 'user'] };
    const seen = seenBy(await send(gateway, '/api/v1/users/profile', { headers: bearer(claims) }));
    const [text = ''] = valuesOf(seen, 'x-user-email');
    expect(text).toMatch(/^[\x21-\x7e]+$/);
    expect(decodeURIComponent(text)).toBe(email);
    expect(valuesOf(seen, 'x-roles')).toEqual(['pr%C3%BCfer,user']);
    const [assertion] = valuesOf(seen, 'x-gateway-assertion');
    const verified = verifierOf('user-service').verify(assertion, { method: 'GET', target: '/users/profile' });
    expect(verified).toMatchObject({ ok: true, identity: claims });
  });

  it('makes no two roles of one', async () => {
    const gateway = await startGateway();
    const answer = await send(gateway, '/api/v1/users/profile', { headers: bearer({ roles: ['user,admin'] }) });
    expect(answer.status).toBe(401);
  });

  it('list beyond 4 KB is refused by the gateway, not by a service', async () => {
    const gateway = await startGateway();
    const roles = Array.from({ length: 300 }, (_, at) => `role-number-${at}`);
    const answer = await send(gateway, '/api/v1/users/profile', { headers: bearer({ roles }) });
    expect([answer.status, problemOf(answer)['code']]).toEqual([500, 'identity_too_large']);
    expect(gateway.services.seen()).toBe(0);
  });
});

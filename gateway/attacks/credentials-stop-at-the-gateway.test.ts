import { describe, expect, it } from 'vitest';
import { bearer, mint, seenBy, send, startGateway, unsafe, valuesOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const credentials = () => ({
  ...unsafe(),
  dpop: 'a.proof.jws',
  'proxy-authorization': 'Basic eDp5',
});
const withCookies = () => {
  const headers = credentials();
  return { ...headers, cookie: `theme=dark; ${headers.cookie}; refresh_token=r1; __Host-refresh_token=r2; lang=de` };
};
const names = ['authorization', 'dpop', 'x-csrf-token', 'proxy-authorization'] as const;

describe('what authenticates a client', () => {
  it('does not reach a service; its other cookies do', async () => {
    const gateway = await startGateway();
    const seen = seenBy(await send(gateway, '/api/v1/payments', { method: 'POST', headers: withCookies() }));
    for (const name of names) expect(valuesOf(seen, name), name).toEqual([]);
    expect(valuesOf(seen, 'cookie')).toEqual(['theme=dark;  lang=de'.replace('  ', ' ')]);
  });

  it('leaves no Cookie line where nothing else was in it', async () => {
    const gateway = await startGateway();
    const seen = seenBy(await send(gateway, '/api/v1/payments', { method: 'POST', headers: unsafe() }));
    expect(valuesOf(seen, 'cookie')).toEqual([]);
  });

  it('reaches the issuer, but for what belongs to the connection', async () => {
    const gateway = await startGateway();
    const headers = withCookies();
    const seen = seenBy(await send(gateway, '/api/v1/auth/verify', { headers }));
    for (const name of ['authorization', 'dpop', 'x-csrf-token', 'cookie'] as const) {
      expect(valuesOf(seen, name), name).toEqual([headers[name]]);
    }
    expect(valuesOf(seen, 'proxy-authorization')).toEqual([]);
  });

  it('reaches the user service for the one route that says so', async () => {
    const gateway = await startGateway();
    const headers = unsafe();
    const deleted = seenBy(await send(gateway, '/api/v1/users/account', { method: 'DELETE', headers }));
    expect(valuesOf(deleted, 'authorization')).toEqual([headers.authorization]);
    expect([valuesOf(deleted, 'x-csrf-token'), valuesOf(deleted, 'cookie')]).toEqual([[], []]);
    const read = seenBy(await send(gateway, '/api/v1/users/account', { headers: bearer() }));
    expect(valuesOf(read, 'authorization')).toEqual([]);
  });

  it('stands in no error answer', async () => {
    const gateway = await startGateway();
    const token = `${mint()}x`;
    const answer = await send(gateway, `/api/v1/users/profile?access_token=${token}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(401);
    expect(answer.body + JSON.stringify(answer.raw)).not.toContain(token.slice(-20));
  });
});

describe('is known to be able to fail', () => {
  it('with every service treated as the issuer the token leaks', async () => {
    const sabotage = {
      file: 'upstreams/open-upstreams.ts',
      find: 'isIssuer: service.issuer ?? false',
      replace: 'isIssuer: true',
    };
    await withSabotage(sabotage, async (start) => {
      const gateway = await startGateway({}, undefined, start);
      const seen = seenBy(await send(gateway, '/api/v1/users/profile', { headers: bearer() }));
      expect(valuesOf(seen, 'authorization')).toHaveLength(1);
    });
  });
});

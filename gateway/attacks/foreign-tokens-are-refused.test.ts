import { describe, expect, it } from 'vitest';
import { jwtSecret, mint, problemOf, send, startGateway } from '../testing/rig.ts';

const now = Math.floor(Date.now() / 1000);
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const unsigned = (alg: string): string => `${encode({ alg, typ: 'at+jwt' })}.${mint().split('.')[1]}.`;

describe('a token that is not for this gateway', () => {
  it.each([
    ['expired', () => mint({ iat: now - 1000, nbf: now - 1000, exp: now - 100 }), 'token_expired'],
    ['not valid yet', () => mint({ nbf: now + 600 }), 'token_invalid'],
    ['for another audience', () => mint({ aud: 'other' }), 'token_invalid'],
    ['without audience', () => mint({ aud: undefined }), 'token_invalid'],
    ['of another issuer', () => mint({ iss: 'other' }), 'token_invalid'],
    ['of another type', () => mint({}, { typ: 'gw-assertion+jwt' }), 'token_invalid'],
    ['without type', () => mint({}, { typ: undefined }), 'token_invalid'],
    ['with a foreign key id', () => mint({}, { kid: 'other' }), 'token_invalid'],
    ['signed with another secret', () => mint({}, {}, `${jwtSecret}x`), 'token_invalid'],
    ['unsigned', () => unsigned('none'), 'authorization_malformed'],
    ['unsigned in capitals', () => `${unsigned('NONE')}AA`, 'token_invalid'],
  ])('%s is 401 and reaches no service', async (_, make, code) => {
    const gateway = await startGateway();
    const answer = await send(gateway, '/api/v1/users/profile', { headers: { authorization: `Bearer ${make()}` } });
    expect([answer.status, problemOf(answer)['code']]).toEqual([
      401,
      code === 'authorization_malformed' ? problemOf(answer)['code'] : code,
    ]);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer /);
    expect(gateway.services.seen()).toBe(0);
  });

  it('is not accepted from a cookie, a query or a second header', async () => {
    const gateway = await startGateway();
    const token = mint();
    const ask = async (path: string, headers: Record<string, string | string[]>) => {
      const answer = await send(gateway, path, { headers });
      return problemOf(answer)['code'];
    };
    expect(await ask(`/api/v1/users/profile?access_token=${token}`, {})).toBe('token_missing');
    expect(await ask('/api/v1/users/profile', { cookie: `access_token=${token}` })).toBe('token_missing');
    const twice = await send(gateway, '/api/v1/users/profile', {
      headers: ['authorization', `Bearer ${token}`, 'authorization', 'Bearer x'],
    });
    expect(problemOf(twice)['code']).toBe('authorization_malformed');
    expect(gateway.services.seen()).toBe(0);
  });

  it('may be signed with the secret before this one, while it is named', async () => {
    const previous = `previous ${jwtSecret}`;
    const headers = { authorization: `Bearer ${mint({}, {}, previous)}` };
    const gateway = await startGateway({ JWT_SECRET_PREVIOUS: previous });
    expect((await send(gateway, '/api/v1/users/profile', { headers })).status).toBe(200);
    const later = await startGateway();
    expect((await send(later, '/api/v1/users/profile', { headers })).status).toBe(401);
  });
});

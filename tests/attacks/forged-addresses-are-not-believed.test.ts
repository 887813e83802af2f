import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encode, forgeText, hmacSigner } from '../testing/forge.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { newPerson, type Person, register, tokensOf } from '../testing/people.ts';

const keys = { current: randomBytes(32), foreign: randomBytes(32) };
const forged = '203.0.113.66';

let issuer: Issuer;
let call: Call;
let ann: Person;
beforeAll(async () => {
  issuer = await startIssuer({ GATEWAY_ASSERTION_KEYS: `k1:${keys.current.toString('base64url')}` });
  call = httpClient(issuer.url);
  ann = newPerson();
  await register(call, ann);
});
afterAll(() => issuer.remove());

interface Seen {
  readonly session: unknown;
  readonly log: unknown;
}

/** Logs in with these headers and tells which address the session and the log line have. */
const loginFrom = async (headers: Readonly<Record<string, string | string[]>>): Promise<Seen> => {
  const agent = `agent-${randomBytes(6).toString('hex')}`;
  const body = { email: ann.email, password: ann.password };
  const answer = await call('POST', '/auth/login', { body, headers: { 'user-agent': agent, ...headers } });
  const listed = await call('GET', '/auth/sessions', { bearer: tokensOf(answer).access });
  const sessions = listed.body['sessions'] as readonly { readonly current: boolean; readonly address?: string }[];
  const line = await issuer.waitForLine((one) => one['agent'] === agent);
  return { session: sessions.find(({ current }) => current)?.address, log: line['address'] };
};

const now = () => Math.floor(Date.now() / 1000);
const hashOf = (target: string) => createHash('sha256').update(target).digest('base64url');
const assertion = (key: Uint8Array, claims: Readonly<Record<string, unknown>> = {}, header = {}): string =>
  forgeText(
    hmacSigner(key),
    JSON.stringify({ alg: 'HS256', typ: 'gw-assertion+jwt', kid: 'k1', ...header }),
    JSON.stringify({
      ver: 1,
      iss: 'gateway',
      aud: 'auth-service',
      iat: now(),
      exp: now() + 30,
      jti: '01a20131-8d90-706e-a241-de063c36a7cc',
      cip: forged,
      mth: 'POST',
      pth: hashOf('/auth/login'),
      anon: true,
      ...claims,
    }),
  );

describe('the client’s address', () => {
  it('is the one that a valid gateway assertion names, so that what follows can fail', async () => {
    const headers = { 'x-gateway-assertion': assertion(keys.current) };
    expect(await loginFrom(headers)).toEqual({ session: forged, log: forged });
  });

  it('is never that of a header that anybody can write', async () => {
    for (const headers of [
      { 'x-forwarded-for': forged },
      { 'x-forwarded-for': [forged, '10.0.0.1'] },
      { 'x-real-ip': forged, 'true-client-ip': forged, 'cf-connecting-ip': forged },
      { forwarded: `for=${forged};proto=https;by=127.0.0.1` },
      { 'x-client-ip': forged, 'x-cluster-client-ip': forged, client_ip: forged },
    ]) {
      expect(await loginFrom(headers)).toEqual({ session: '127.0.0.1', log: '127.0.0.1' });
    }
  });

  it('is never that of a forged, foreign, old or misdirected assertion; the request goes on without it', async () => {
    const good = assertion(keys.current);
    const derived = new Uint8Array(hkdfSync('sha256', keys.current, '', 'sallyport/assertion/1auth-service', 32));
    const [header = '', payload = ''] = good.split('.');
    for (const value of [
      'x',
      '',
      assertion(keys.foreign),
      assertion(derived),
      assertion(Buffer.from(issuer.folder.settings['JWT_SECRET'] ?? '')),
      assertion(keys.current, {}, { alg: 'none' }),
      `${header}.${payload}.`,
      assertion(keys.current, {}, { typ: 'at+jwt' }),
      assertion(keys.current, {}, { kid: 'k2' }),
      assertion(keys.current, { aud: 'user-service' }),
      assertion(keys.current, { ver: 2 }),
      assertion(keys.current, { exp: now() - 31, iat: now() - 61 }),
      assertion(keys.current, { exp: now() + 86_400 }),
      assertion(keys.current, { mth: 'GET' }),
      assertion(keys.current, { pth: hashOf('/auth/register') }),
      assertion(keys.current, { pth: hashOf('/auth/login?') }),
      `${encode('{}')}.${encode('{}')}.${encode('x')}`,
    ]) {
      const seen = await loginFrom({ 'x-gateway-assertion': value });
      expect([value.slice(-40), seen]).toEqual([value.slice(-40), { session: '127.0.0.1', log: '127.0.0.1' }]);
    }
  });
});

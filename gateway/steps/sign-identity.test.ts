import { createHash } from 'node:crypto';
import { assertionKey, createAssertionSigner } from '@sallyport/verify';
import { describe, expect, it } from 'vitest';
import { exchangeOf, outcomeOf, routeTo, verified } from '../testing/exchange.ts';
import { gatewaySecret, masterKey, sid, userId } from '../testing/rig.ts';
import { signIdentity } from './sign-identity.ts';

const nowMs = 1_800_000_000_500;
const signers = new Map(
  ['a', 'b'].map((id) => [id, createAssertionSigner({ kid: 'm1', key: assertionKey(masterKey, id) })]),
);
const step = signIdentity({ gatewayId: 'gateway', signers, plainSecret: gatewaySecret, clock: { nowMs: () => nowMs } });

const run = (claims: Record<string, unknown> | undefined, service = 'a', isPlain = true) => {
  const exchange = exchangeOf('POST', '/ignored');
  const route = routeTo(service);
  exchange.route = { ...route, upstream: { ...route.upstream, isPlain } };
  exchange.forwardTarget = '/a?b=1';
  exchange.token = claims && verified(claims);
  const code = outcomeOf(step.run(exchange));
  const pairs = exchange.identityHeaders.flatMap((name, at) =>
    at % 2 === 0 ? [[name, exchange.identityHeaders[at + 1] ?? ''] as const] : [],
  );
  const headers: Record<string, string> = Object.fromEntries(pairs);
  const payload = headers['x-gateway-assertion']?.split('.')[1] ?? 'e30';
  const assertion = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  return { code, headers, assertion, exchange };
};

describe('sign identity', () => {
  it('signs exactly the claims that gateway and service agreed on', () => {
    const claims = {
      roles: ['user'],
      permissions: ['a:read'],
      amr: ['pwd'],
      auth_time: 1_700_000_000,
      device_id: 'd1',
      cnf: { jkt: 'k' },
    };
    expect(run(claims).assertion).toEqual({
      ver: 1,
      iss: 'gateway',
      aud: 'a',
      iat: 1_800_000_000,
      exp: 1_800_000_030,
      jti: '0192f0c1-2b3c-7d4e-8f50-000000000001',
      sub: userId,
      email: 'ann@example.com',
      name: 'Ann',
      sid,
      uep: 0,
      ...claims,
      cip: '192.0.2.1',
      mth: 'POST',
      pth: createHash('sha256').update('/a?b=1').digest('base64url'),
    });
  });

  it('says nothing of anybody on public routes', () => {
    const { assertion, headers } = run(undefined);
    expect(Object.keys(headers)).toEqual(['x-gateway-assertion']);
    expect(assertion).toMatchObject({ anon: true, aud: 'a', cip: '192.0.2.1' });
    expect(assertion['sub']).toBeUndefined();
  });

  it('sends readable headers as well, the plain signature only where it is wanted', () => {
    const { headers } = run({ roles: ['user', 'admin'], permissions: [] });
    expect(headers).toMatchObject({
      'x-user-id': userId,
      'x-user-email': 'ann@example.com',
      'x-roles': 'user,admin',
      'x-permissions': '',
      'x-gateway-signature': expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(run({}, 'b', false).headers['x-gateway-signature']).toBeUndefined();
  });

  it('prepares an identity once for a token and service, and never lends it to another service', () => {
    const token = verified();
    const of = (service: string) => {
      const exchange = exchangeOf('GET', '/');
      exchange.route = routeTo(service);
      exchange.token = token;
      void step.run(exchange);
      return exchange.identityHeaders;
    };
    expect(of('a')[1]).not.toBe(of('b')[1]);
    expect(of('a').slice(2)).toEqual(of('a').slice(2));
  });

  it('refuses an identity over 4 KB, and names no service', () => {
    expect(run({ name: 'x'.repeat(4096) }).code).toBe('identity_too_large');
    expect(run({ name: 'x'.repeat(3000) }).code).toBe('goes on');
    // Percent-encoded it is three times as long.
    expect(run({ email: 'é'.repeat(800) }).code).toBe('identity_too_large');
  });
});

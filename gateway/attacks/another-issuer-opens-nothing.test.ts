import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hmacKeyId } from '@sallyport/verify';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { start } from '../server.ts';
import {
  jwtSecret,
  mint,
  problemOf,
  type Rig,
  seenBy,
  send,
  startGatewayWithRoutes,
  userId,
  valuesOf,
  verifierOf,
} from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const partnerName = 'https://partner.example';
const partnerSecret = 'the secret of another issuer, long enough for HS256';

const rule = { service: 'orders', access: 'required', csrf: 'never' } as const;
const table = (url: string) => ({
  version: 1,
  services: [{ id: 'orders', url, plain: true }],
  routes: [
    { ...rule, path: '/orders' },
    { ...rule, path: '/admin', roles: ['admin'] },
    { ...rule, path: '/optional', access: 'optional' },
    { ...rule, path: '/both', issuers: ['own', 'partner'] },
  ],
});

const gatewayWithPartner = (begin?: typeof start): Promise<Rig> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-partner-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [secretFile, config] = [join(folder, 'secret'), join(folder, 'config.json')];
  writeFileSync(secretFile, `${partnerSecret}\n`);
  const partner = { id: 'partner', issuer: partnerName, audience: 'sallyport', algorithm: 'HS256', secretFile };
  writeFileSync(config, JSON.stringify({ gateway: { issuers: [partner] } }));
  return startGatewayWithRoutes(table, { SALLYPORT_CONFIG_FILE: config }, begin);
};

/** A token of the partner that claims all that it can: the own user, every role. */
const posing = (claims: object = {}, header: object = {}, secret = partnerSecret): string =>
  mint(
    { iss: partnerName, sub: userId, user_id: userId, roles: ['admin'], permissions: ['all'], ...claims },
    { kid: hmacKeyId(secret), ...header },
    secret,
  );

const get = async (gateway: Rig, path: string, token: string) => {
  const answer = await send(gateway, path, { headers: { authorization: `Bearer ${token}` } });
  return answer.status === 200 ? seenBy(answer) : problemOf(answer)['code'];
};

describe('a token of another issuer', () => {
  it.each(['/orders', '/admin', '/optional'])(
    'is 403 at %s, which does not name it, whatever roles it claims',
    async (path) => {
      const gateway = await gatewayWithPartner();
      expect(await get(gateway, path, posing())).toBe('permission_denied');
      expect(await get(gateway, path, mint({ roles: ['admin'] }))).toMatchObject({ target: path });
    },
  );

  it('names a user of its own where it is taken, in every header and in the assertion', async () => {
    const gateway = await gatewayWithPartner();
    const seen = await get(gateway, '/both', posing());
    if (typeof seen !== 'object' || seen === null) throw new Error(`refused: ${String(seen)}`);
    expect(valuesOf(seen as never, 'x-user-id')).toEqual([`partner|${userId}`]);
    const [assertion] = valuesOf(seen as never, 'x-gateway-assertion');
    expect(verifierOf('orders').verify(assertion, { method: 'GET', target: '/both' })).toMatchObject({
      identity: { userId: `partner|${userId}`, issuer: partnerName },
    });
  });

  it.each<[string, () => string]>([
    ["under the own issuer's key", () => posing({}, {}, jwtSecret)],
    [
      "under the own issuer's key and the partner's kid",
      () => posing({}, { kid: hmacKeyId(partnerSecret) }, jwtSecret),
    ],
    ["in the own issuer's name", () => posing({ iss: 'auth-service' })],
    ["in the own issuer's name, under its kid", () => posing({ iss: 'auth-service' }, { kid: hmacKeyId(jwtSecret) })],
    ['in no name', () => posing({ iss: undefined })],
    ['in both names', () => posing({ iss: ['auth-service', partnerName] })],
    ['in its name with a slash more', () => posing({ iss: `${partnerName}/` })],
    ['for somebody else', () => posing({ aud: 'another' })],
    [
      'with an id of the own issuer that looks like its own',
      () => mint({ sub: `partner|${userId}`, user_id: undefined }),
    ],
  ])('%s is refused', async (_name, forge) => {
    expect(await get(await gatewayWithPartner(), '/both', forge())).toBe('token_invalid');
  });

  it('is known to be able to fail: without the step it is let in everywhere, with the roles that it claims', async () => {
    const find = 'route.issuers.includes(token.subject.iss) ? undefined';
    await withSabotage({ file: 'steps/route-issuers.ts', find, replace: 'true ? undefined' }, async (begin) => {
      expect(await get(await gatewayWithPartner(begin), '/admin', posing())).toMatchObject({ target: '/admin' });
    });
  });
});

import { describe, expect, it } from 'vitest';
import { bearer, type Seen, seenBy, send, sendRaw, startGateway, userId, valuesOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const fold = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');
const isIdentity = (name: string): boolean => /^x-(user|roles|permissions|gateway)/.test(fold(name));
const forged = (seen: Seen): readonly string[] =>
  seen.lines.filter(([name, value]) => isIdentity(name) && value.includes('forged')).map(([name]) => name);

const spellings = [
  ...['X-User-ID', 'x-user-id', 'X_User_ID', 'X_USER_ID', 'x.user.id', 'X-User_Id', 'x~user~id', "x'user'id"],
  ...['X-User-Email', 'X-Roles', 'x_roles', 'X-Roles-Extra', 'X-Permissions', 'x!permissions', 'X-User-Anything'],
  ...[
    'X-Gateway-Assertion',
    'X_Gateway_Assertion',
    'X-Gateway-Signature',
    'x.gateway.signature',
    'X-User',
    'Remote-User',
  ],
];
const forgery = spellings.flatMap((name) => [name, 'forged']);

describe('an identity header of the client', () => {
  it('reaches no service in any folding, on protected and public routes', async () => {
    const gateway = await startGateway();
    const headers = [...forgery, 'Authorization', bearer().authorization];
    const guarded = seenBy(await send(gateway, '/api/v1/users/profile', { headers }));
    const open = seenBy(await send(gateway, '/api/v1/auth/verify', { headers: forgery }));
    expect([forged(guarded), forged(open)]).toEqual([[], []]);
    expect(valuesOf(guarded, 'x-user-id')).toEqual([userId]);
    // Nobody has been identified on a public route.
    expect(open.lines.filter(([name]) => isIdentity(name)).map(([name]) => name)).toEqual(['x-gateway-assertion']);
  });

  it('is counted by prefix, whatever the client called it', async () => {
    const gateway = await startGateway();
    await send(gateway, '/health', { headers: ['X_User_Name', 'a', 'X-User-Id', 'b', 'x.roles', 'c'] });
    const metrics = await (await fetch(`${gateway.privateUrl}/metrics`)).text();
    expect(metrics).toContain('sallyport_gateway_identity_headers_removed_total{prefix="x-user-"} 2');
    expect(metrics).toContain('sallyport_gateway_identity_headers_removed_total{prefix="x-roles"} 1');
  });

  it('does not arrive as a trailer', async () => {
    const gateway = await startGateway({}, async (req, res) => {
      for await (const part of req) void part;
      res.end(JSON.stringify({ trailers: req.rawTrailers }));
    });
    const answer = await sendRaw(
      gateway,
      'POST /api/v1/auth/login HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntrailer: x-user-id\r\n' +
        'connection: close\r\n\r\n2\r\n{}\r\n0\r\nx-user-id: forged\r\n\r\n',
    );
    expect(answer).toContain('{"trailers":[]}');
    const metrics = await (await fetch(`${gateway.privateUrl}/metrics`)).text();
    expect(metrics).toContain('identity_headers_removed_total{prefix="x-user-"} 1');
  });

  it('cannot be removed with Connection once the gateway has written it', async () => {
    const gateway = await startGateway();
    const listed = 'close, X-User-ID, x-user-email, x-gateway-assertion, x-gateway-signature, x-forwarded-for, via';
    const seen = seenBy(
      await send(gateway, '/api/v1/users/profile', { headers: { ...bearer(), connection: listed, 'x-own': '1' } }),
    );
    for (const name of ['x-user-id', 'x-user-email', 'x-gateway-assertion', 'x-gateway-signature', 'x-forwarded-for']) {
      expect(valuesOf(seen, name), name).toHaveLength(1);
    }
    expect(valuesOf(seen, 'x-own')).toEqual(['1']);
  });

  it('does not come back from a service', async () => {
    const gateway = await startGateway({}, (_, res) => {
      for (const name of spellings) res.setHeader(name, 'forged');
      res.setHeader('connection', 'x-own');
      res.setHeader('x-own', '1').setHeader('x-other', '2').end('ok');
    });
    const answer = await send(gateway, '/api/v1/users/profile', { headers: bearer() });
    expect(answer.status).toBe(200);
    expect(answer.raw.filter((_, at) => at % 2 === 0).filter(isIdentity)).toEqual([]);
    expect([answer.headers['x-own'], answer.headers['x-other']]).toEqual([undefined, '2']);
  });
});

describe('is known to be able to fail', () => {
  it.each([
    { file: 'headers/reserved.ts', find: ".replaceAll(/[^a-z0-9]/g, '-')", replace: '' },
    { file: 'headers/inbound.ts', find: 'if (reserved !== undefined) return { reserved };', replace: '' },
  ])('without "$find" a spelling gets through', async (sabotage) => {
    await withSabotage(sabotage, async (start) => {
      const gateway = await startGateway({}, undefined, start);
      expect(forged(seenBy(await send(gateway, '/api/v1/auth/verify', { headers: forgery })))).not.toEqual([]);
    });
  });
});

/** Identity, addresses and hosts that a client writes by itself, as bytes, on a plain request and on a WebSocket handshake. */
import { describe, expect, it } from 'vitest';
import type { start } from '../server.ts';
import { doors, linesOf, startRawService } from '../testing/raw-service.ts';
import { bearer, sendRaw, startGateway, userId, verifierOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const identityNames = ['X-User-Id', 'X-User-Email', 'X-Roles', 'X-Permissions', 'X-Gateway-Assertion'];
const otherNames = ['X-Gateway-Signature', 'X-User', 'X-Role', 'X-Permission', 'Remote-User', 'X-Remote-User'];
/** RFC 9110 §5.6.2: what may stand in a name beside letters and digits. */
const punctuation = ["!#$%&'*+-.^_`|~"].flatMap((text) => text.split(''));
const spellings = [...identityNames, ...otherNames].flatMap((name) =>
  punctuation.flatMap((mark, at) => {
    const spelled = name.replaceAll('-', mark);
    return at % 3 === 0 ? spelled.toUpperCase() : at % 3 === 1 ? spelled.toLowerCase() : spelled;
  }),
);
/** Within what one request may have of lines. */
const batches = Array.from({ length: Math.ceil(spellings.length / 60) }, (_, at) =>
  spellings.slice(at * 60, at * 60 + 60),
);
const authorization = (): string => `authorization: ${bearer().authorization}`;
const path = '/api/v1/users/me?x=1';

/** The head that a service gets of what one door was sent; each on a connection of its own. */
const headsOf = async (
  door: (typeof doors)[number][1],
  requests: readonly (readonly string[])[],
  begin?: typeof start,
): Promise<readonly string[]> => {
  const service = await startRawService('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok');
  const gateway = await startGateway({ USER_SERVICE_URL: service.url }, undefined, begin);
  for (const lines of requests) {
    expect(await sendRaw(gateway, door(path, authorization(), ...lines))).toMatch(/^HTTP\/1\.1 200 /);
  }
  expect(service.received).toHaveLength(requests.length);
  return service.received;
};

const namesOf = (head: string): string[] => linesOf(head).map(([name]) => name);
const forgedLines = (batch: readonly string[]) => batch.map((name) => `${name}: forged`);

describe.each(doors)('%s: a client', (_, door) => {
  it('has no spelling of an identity header that reaches a service; each of the gateway’s stands there once', async () => {
    for (const head of await headsOf(door, batches.map(forgedLines))) {
      expect(head).not.toContain('forged');
      for (const name of ['x-user-id', 'x-user-email', 'x-gateway-assertion', 'x-gateway-signature']) {
        expect(
          namesOf(head).filter((given) => given.replaceAll(/[^a-z]/g, '-') === name),
          name,
        ).toEqual([name]);
      }
      expect(new Map(linesOf(head)).get('x-user-id')).toBe(userId);
    }
  });

  it('takes nothing away with Connection that the gateway writes, in whatever case, order or number of lines', async () => {
    const listed = [
      ['connection: x-gateway-assertion, X-USER-ID,x-user-email ,\tX-Gateway-Signature'],
      ['connection: via', 'connection: x-request-id, x-forwarded-for', 'connection: x-forwarded-host,host'],
      ['connection: content-length, transfer-encoding, cookie, ,,,'],
    ];
    for (const head of await headsOf(door, listed)) {
      for (const name of ['host', 'via', 'x-request-id', 'x-forwarded-for', 'x-forwarded-host']) {
        expect(namesOf(head)).toContain(name);
      }
      const { 'x-gateway-assertion': assertion, 'x-user-id': id } = Object.fromEntries(linesOf(head));
      expect(id).toBe(userId);
      expect(verifierOf('user-service').verify(assertion, { method: 'GET', target: '/users/me?x=1' }).ok).toBe(true);
    }
  });

  it('chooses neither its address nor the host nor the scheme that a service reads', async () => {
    const claims = [
      ...['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Port', 'X-Forwarded-Prefix'],
      ...['X-Forwarded-Server', 'X-Forwarded-Scheme', 'X-Forwarded', 'Forwarded-For', 'Forwarded', 'X-Real-IP'],
      ...['X-Client-IP', 'Client-IP', 'True-Client-IP', 'X-Cluster-Client-IP', 'CF-Connecting-IP', 'Fastly-Client-IP'],
      ...['X-Original-Forwarded-For', 'X-Original-Host', 'X-Host', 'X-Original-URL', 'X-Rewrite-URL', 'X-Override-URL'],
      ...['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', 'X_Forwarded_For', 'x_real_ip'],
    ];
    const [head = ''] = await headsOf(door, [claims.map((name) => `${name}: 203.0.113.9`)]);
    expect(head).not.toContain('203.0.113.9');
    const { 'x-forwarded-for': address, 'x-forwarded-proto': scheme, host } = Object.fromEntries(linesOf(head));
    expect([address, scheme, host]).toEqual(['127.0.0.1', 'http', expect.stringMatching(/^127\.0\.0\.1:\d+$/)]);
  });

  it('has none of its credentials passed on, in whatever spelling', async () => {
    const [head = ''] = await headsOf(door, [
      [
        'cookie: theme=dark; csrf_token=secret; refresh_token=secret',
        'Cookie: __Host-refresh_token=secret;refresh_token =secret',
        'X-CSRF-Token: secret',
        'x_csrf_token: secret',
        'DPoP: secret',
        'Proxy-Authorization: Bearer secret',
        'proxy_authorization: Bearer secret',
      ],
    ]);
    expect(head.toLowerCase()).not.toMatch(/secret|authorization/);
    expect(linesOf(head).filter(([name]) => name === 'cookie')).toEqual([['cookie', 'theme=dark']]);
  });
});

describe('trailers', () => {
  it('of a body become no header of a request, whatever they are called', async () => {
    const service = await startRawService();
    const gateway = await startGateway({ AUTH_SERVICE_URL: service.url });
    const trailers = ['X-User-Id', 'X_User_Id', 'Authorization', 'Content-Length', 'Host', 'X-Own'];
    const body = `2\r\n{}\r\n0\r\n${trailers.map((name) => `${name}: 7forged\r\n`).join('')}\r\n`;
    const head = `POST /api/v1/auth/login HTTP/1.1\r\nhost: a\r\ntrailer: ${trailers.join(', ')}\r\n`;
    const answer = await sendRaw(gateway, `${head}connection: close\r\ntransfer-encoding: chunked\r\n\r\n${body}`);
    expect(answer).toMatch(/^HTTP\/1\.1 (200|400) /);
    expect(service.received.join('')).not.toContain('forged');
  });
});

describe('is known to be able to fail', () => {
  it.each(doors)('%s: where names are taken as they are spelled, a spelling gets through', async (_, door) => {
    const sabotage = { file: 'headers/reserved.ts', find: ".replaceAll(/[^a-z0-9]/g, '-')", replace: '' };
    await withSabotage(sabotage, async (begin) => {
      const heads = await headsOf(door, batches.map(forgedLines), begin);
      expect(heads.join('')).toContain('forged');
    });
  });

  it.each(doors)('%s: where Connection is asked last, the assertion is gone', async (_, door) => {
    const sabotage = {
      file: 'steps/proxy.ts',
      find: 'for (const part of exchange.identityHeaders) out.push(part);',
      replace:
        'if (!exchange.req.rawHeaders.some((part) => /^x-gateway/i.test(part))) for (const part of exchange.identityHeaders) out.push(part);',
    };
    await withSabotage(sabotage, async (begin) => {
      const [head = ''] = await headsOf(door, [['connection: x-gateway-assertion']], begin);
      expect(namesOf(head)).not.toContain('x-gateway-assertion');
    });
  });
});

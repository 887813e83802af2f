import { describe, expect, it } from 'vitest';
import { problemOf, seenBy, send, sendRaw, startGateway, statusesOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

/** Each looks public to one reader and protected (or private) to another. */
const confusing = [
  '/api/v1/auth/../users/profile',
  '/api/v1/auth/..%2fusers/profile',
  '/api/v1/auth/%2e%2e/users/profile',
  '/api/v1/auth/%2E%2E/users/profile',
  '/api/v1/auth/.%2e/users',
  '/api/v1/auth/./login',
  '/api/v1/auth//users',
  '//api/v1/auth/login',
  '/api/v1/auth/..;/users/profile',
  '/api/v1/auth;x=1/login',
  '/api/v1/auth/\\..\\users',
  '/api/v1/auth/%5c..%5cusers',
  '/api/v1/auth/login%00',
  '/api/v1/auth/login%0d%0aX-User-ID:1',
  '/api/v1/auth/%252e%252e/users',
  '/api/v1/auth/login#/users',
  '/api/v1/auth/%c0%ae%c0%ae/users',
  '/api/v1/auth/%zz',
  '/api/v1/auth/%4',
  '/api/v1/%61uth/login',
  '/api/v1/users/account/',
  '/api/v1/auth/login?',
  "/api/v1/auth/login?a='",
  '/api/v1/auth/login?a=%zz',
  '/api/v1/auth/login?a#b',
  'http://other.example/api/v1/auth/login',
  'http://user@127.0.0.1/api/v1/auth/login',
  'ftp://127.0.0.1/api/v1/auth/login',
  'api/v1/auth/login',
  '*',
];

describe('a path with two readings', () => {
  it('is refused before any route is found, and reaches no service', async () => {
    const gateway = await startGateway();
    for (const path of confusing) {
      const answer = await sendRaw(gateway, `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`);
      expect(statusesOf(answer), path).toEqual([400]);
      expect(answer, path).toMatch(/"code":"(path_refused|request_malformed)"/);
    }
    expect(gateway.services.seen()).toBe(0);
  });

  it('holds no byte beyond ASCII and no control character', async () => {
    const gateway = await startGateway();
    for (const byte of ['\x01', '\x7f', '\x80', '\xe9', '\t', '"', '<', '^', '`', '{']) {
      const path = `/api/v1/auth/a${byte}b`;
      const answer = await sendRaw(gateway, `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
      expect(statusesOf(answer), JSON.stringify(byte)).toEqual([400]);
    }
    expect(gateway.services.seen()).toBe(0);
  });

  it('leaves what is lawful in a query alone', async () => {
    const gateway = await startGateway();
    const target = '/auth/verify?a=%2F%5c%00%25;b/../..//&c[]=1|2&d=%zz'.replace('%zz', '%7e');
    expect(seenBy(await send(gateway, `/api/v1${target}`)).target).toBe(target);
  });

  it('may be absolute for the host that Host names, and no other', async () => {
    const gateway = await startGateway();
    const ask = (target: string, host: string) =>
      sendRaw(gateway, `GET ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    expect(await ask('http://gate.example/api/v1/auth/verify?a=1', 'gate.example')).toContain('"/auth/verify?a=1"');
    expect(statusesOf(await ask('http://gate.example/health', 'gate.example'))).toEqual([200]);
    expect(statusesOf(await ask('http://gate.example/health', 'other.example'))).toEqual([400]);
  });

  it('does not open a tunnel, a trace or another protocol', async () => {
    const gateway = await startGateway();
    const connect = await sendRaw(gateway, 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: 127.0.0.1:22\r\n\r\n');
    expect(statusesOf(connect)).toEqual([400]);
    expect(statusesOf(await sendRaw(gateway, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'))).toEqual([400]);
    expect(problemOf(await send(gateway, '/api/v1/auth/verify', { method: 'TRACE' }))).toMatchObject({
      code: 'method_not_allowed',
    });
    for (const upgrade of ['h2c', 'TLS/1.0']) {
      const head = `GET /api/v1/auth/verify HTTP/1.1\r\nhost: a\r\nconnection: upgrade, close\r\nupgrade: ${upgrade}\r\n\r\n`;
      const answer = await sendRaw(gateway, head);
      expect(statusesOf(answer), upgrade).toEqual([501]);
      expect(answer).toContain('upgrade_refused');
    }
    expect(gateway.services.seen()).toBe(0);
  });
});

describe('is known to be able to fail', () => {
  it('without the check a dot segment leads from the public route to a protected one', async () => {
    const sabotage = {
      file: 'steps/canonical-target.ts',
      find: "if (path.includes('/.') && dotSegment.test(path)) return false;",
      replace: '',
    };
    await withSabotage(sabotage, async (start) => {
      const gateway = await startGateway({}, undefined, start);
      const answer = await sendRaw(
        gateway,
        'GET /api/v1/auth/../users/profile HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
      );
      expect(answer).toContain('"/auth/../users/profile"');
    });
  });
});

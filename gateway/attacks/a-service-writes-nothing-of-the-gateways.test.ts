/** A service that was broken into, as bytes: what it answers, and what a client reads of it at either door. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { start } from '../server.ts';
import { accepted, doors, linesOf, startRawService } from '../testing/raw-service.ts';
import { bearer, send, sendRaw, startGateway, statusesOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const path = '/api/v1/users/me';
const authorization = (): string => `authorization: ${bearer().authorization}`;
const forged = [
  ...['X-User-Id', 'x_user_id', 'X.User.Email', 'X-ROLES', 'x~permissions', 'X-Gateway-Assertion', 'X-User'],
  ...['X_Gateway_Signature', 'Remote-User', 'Access-Control-Allow-Origin', 'access_control_allow_credentials'],
  ...['X-Request-Id', 'x_request_id', 'Proxy-Authenticate', 'Keep-Alive', 'Proxy-Connection', 'Trailer', 'Upgrade'],
];
const lines = forged.map((name) => `${name}: forged\r\n`).join('');
/** What each door is answered with by a service that does as it should. */
const goodAnswer = { HTTP: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n', WebSocket: accepted } as const;
const body = { HTTP: 'ok', WebSocket: '' } as const;

const answerOf = async (door: (typeof doors)[number][1], answer: string, begin?: typeof start): Promise<string> => {
  const service = await startRawService(answer);
  const gateway = await startGateway({ USER_SERVICE_URL: service.url }, undefined, begin);
  return sendRaw(gateway, door(path, authorization()), 3000);
};

describe.each(doors)('%s: a service', (kind, door) => {
  it('cannot say who somebody is, which page may read it, or anything about the connection', async () => {
    const listed = kind === 'HTTP' ? 'connection: x-own, vary\r\nx-own: forged\r\n' : '';
    const answer = await answerOf(door, `${goodAnswer[kind]}${lines}${listed}x-other: 1\r\n\r\n${body[kind]}`);
    expect(statusesOf(answer)).toEqual([kind === 'HTTP' ? 200 : 101]);
    expect(answer).not.toContain('forged');
    expect(linesOf(answer).filter(([name]) => name === 'x-other')).toEqual([['x-other', '1']]);
    // The gateway's own stands there once.
    expect(linesOf(answer).filter(([name]) => name.replaceAll('_', '-') === 'x-request-id')).toHaveLength(1);
  });

  it('that is not the issuer sets no cookie of the issuer, under any spelling; its own pass', async () => {
    const fixed = [
      'refresh_token=evil; Path=/',
      ' csrf_token=evil',
      '=refresh_token=evil',
      '__Host-refresh_token = evil',
    ];
    const set = fixed.map((value) => `Set-Cookie: ${value}\r\n`).join('');
    const own = 'set-cookie: theme=dark; Path=/\r\nset-cookie: refresh_token_hint=1\r\n';
    const answer = await answerOf(door, `${goodAnswer[kind]}${set}${own}\r\n${body[kind]}`);
    expect(answer).not.toContain('evil');
    expect(linesOf(answer).filter(([name]) => name === 'set-cookie')).toEqual([
      ['set-cookie', 'theme=dark; Path=/'],
      ['set-cookie', 'refresh_token_hint=1'],
    ]);
  });

  it('that refuses cannot either', async () => {
    const answer = await answerOf(door, `HTTP/1.1 403 No\r\ncontent-length: 4\r\n${lines}\r\nnope`);
    expect([statusesOf(answer), answer.endsWith('\r\n\r\nnope')]).toEqual([[403], true]);
    expect(answer).not.toContain('forged');
  });

  it.each([
    ['two lengths', 'content-length: 2\r\ncontent-length: 3\r\n\r\nabc'],
    ['two equal lengths', 'content-length: 2\r\ncontent-length: 2\r\n\r\nab'],
    ['a list of lengths', 'content-length: 2, 2\r\n\r\nab'],
    ['a signed length', 'content-length: +2\r\n\r\nab'],
    ['a length in hex', 'content-length: 0x2\r\n\r\nab'],
    ['a length beyond numbers', 'content-length: 18446744073709551618\r\n\r\nab'],
    ['length and coding', 'content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n'],
    ['an unknown coding', 'transfer-encoding: xchunked\r\n\r\n2\r\nab\r\n0\r\n\r\n'],
    ['two codings', 'transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['a folded line', 'x-a: b\r\n c\r\ncontent-length: 2\r\n\r\nab'],
    ['a space before a colon', 'content-length : 2\r\n\r\nab'],
    ['a line feed in a line', 'x-a: b\nx-user-id: forged\r\ncontent-length: 2\r\n\r\nab'],
    ['a carriage return in a line', 'x-a: b\rx-user-id: forged\r\ncontent-length: 2\r\n\r\nab'],
    ['a NUL', 'x-a: b\0c\r\ncontent-length: 2\r\n\r\nab'],
    ['a line without a colon', 'forged\r\ncontent-length: 2\r\n\r\nab'],
    ['a head without end', `x-a: ${'forged'.repeat(10_000)}\r\n\r\n`],
    ['more lines than anybody reads', `${'x-a: forged\r\n'.repeat(400)}\r\n`],
  ])('that frames its answer with %s is 502, and none of its words go out', async (_, rest) => {
    const answer = await answerOf(door, `HTTP/1.1 200 OK\r\n${rest}`);
    expect(statusesOf(answer)).toEqual([502]);
    expect(answer).toContain('"code":"upstream_unavailable"');
    expect(answer).not.toMatch(/forged|x-a/i);
  });

  it.each([
    ['no status', 'hello\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['another version', 'HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n'],
    ['a flood of 103', 'HTTP/1.1 103 Early Hints\r\nx-user-id: forged\r\nlink: </a>\r\n\r\n'.repeat(100)],
    [
      'a switch that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n',
    ],
    ['the acceptance of another handshake', `${accepted.replace('s3pP', 'AAAA')}\r\n`],
    ['an acceptance behind an interim answer', `HTTP/1.1 100 Continue\r\n\r\n${accepted}\r\n`],
  ])('that answers with %s is 502, and opens nothing', async (_, bytes) => {
    const answer = await answerOf(door, bytes);
    expect(statusesOf(answer)).toEqual([502]);
    expect(answer).not.toMatch(/forged|upgrade|early/i);
  });
});

describe('an answer', () => {
  it('behind an answer reaches nobody, whenever it comes', async () => {
    const poison = 'HTTP/1.1 200 OK\r\nx-poison: 1\r\ncontent-length: 6\r\n\r\npoison';
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        setTimeout(() => socket.write(poison), Math.random() * 20);
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const gateway = await startGateway({ USER_SERVICE_URL: url });
    for (let round = 0; round < 10; round += 1) {
      const answer = await send(gateway, path, { headers: bearer() });
      expect([answer.status, answer.body]).toEqual([200, 'ok']);
      await pause(30);
    }
  });

  it('of HEAD, 204 and 304 has no body, and what stands there is no answer to the next request', async () => {
    const poison = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison';
    for (const [method, head] of [
      ['HEAD', 'HTTP/1.1 200 OK\r\ncontent-length: 48\r\n\r\n'],
      ['GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
      ['GET', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 48\r\n\r\n'],
    ] as const) {
      const service = await startRawService(head + poison);
      const gateway = await startGateway({ USER_SERVICE_URL: service.url });
      const one = `${method} ${path} HTTP/1.1\r\nhost: a\r\n${authorization()}\r\n\r\n`;
      const answer = await sendRaw(gateway, one + one, 3000);
      expect(answer).not.toContain('poison');
      expect(statusesOf(answer)).toEqual([Number(head.slice(9, 12)), Number(head.slice(9, 12))]);
      expect(service.received).toHaveLength(2);
    }
  });

  it('has its trailers dropped', async () => {
    const [, door] = doors[0];
    const chunks = 'transfer-encoding: chunked\r\ntrailer: x-user-id\r\n\r\n2\r\nok\r\n0\r\nx-user-id: forged\r\n\r\n';
    const answer = await answerOf(door, `HTTP/1.1 200 OK\r\n${chunks}`);
    expect(statusesOf(answer)).toEqual([200]);
    expect(answer).not.toMatch(/forged|trailer/i);
  });
});

describe('is known to be able to fail', () => {
  it.each(doors)('%s: where answers are not asked for identity names', async (kind, door) => {
    const sabotage = { file: 'headers/outbound.ts', find: 'reservedNameOf(folded) !== undefined || ', replace: '' };
    await withSabotage(sabotage, async (begin) => {
      const answer = await answerOf(door, `${goodAnswer[kind]}${lines}\r\n${body[kind]}`, begin);
      expect(answer).toContain('forged');
    });
  });

  it('where any 101 is an acceptance, a service opens a tunnel of its own', async () => {
    const sabotage = {
      file: 'upstreams/tunnel.ts',
      find: "return headerOf('upgrade')?.toLowerCase() === 'websocket' && headerOf('sec-websocket-accept') === expected;",
      replace: 'return expected !== undefined && headerOf !== undefined;',
    };
    await withSabotage(sabotage, async (begin) => {
      const [, door] = doors[1];
      const h2c = 'HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n';
      expect(statusesOf(await answerOf(door, h2c, begin))).toEqual([101]);
    });
  });
});

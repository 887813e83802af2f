import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { bearer, sendRaw, startGateway, statusesOf } from '../testing/rig.ts';

const get = (path: string) => `GET /api/v1/auth/${path} HTTP/1.1\r\nhost: a\r\n\r\n`;

describe('a broken request', () => {
  it('behind a good one does not take its answer: each has its own, in their order', async () => {
    const gateway = await startGateway({}, async (_, res) => {
      await pause(100);
      res.end('first');
    });
    const answer = await sendRaw(gateway, `${get('verify')}BROKEN\r\n\r\n`);
    expect(statusesOf(answer)).toEqual([200, 400]);
    expect(answer.indexOf('first')).toBeLessThan(answer.indexOf('HTTP/1.1 400'));
  });

  it('does not end an answer that is still streaming', async () => {
    const gateway = await startGateway({}, async (_, res) => {
      res.writeHead(200, { 'content-length': '8' }).write('half');
      await pause(100);
      res.end('full');
    });
    const answer = await sendRaw(gateway, `${get('verify')}BROKEN\r\n\r\n`);
    expect(statusesOf(answer)).toEqual([200, 400]);
    expect(answer).toContain('\r\n\r\nhalffullHTTP/1.1 400');
  });

  it('whose own answer has begun gets no second head in it', async () => {
    const gateway = await startGateway({}, (_, res) => {
      res.writeHead(200).write('begun');
    });
    // More of a body than is gathered before the service hears of it.
    const chunk = `${(70_000).toString(16)}\r\n${'x'.repeat(70_000)}\r\n`;
    const lines = `host: a\r\nauthorization: ${bearer().authorization}\r\ntransfer-encoding: chunked`;
    const bytes = `GET /api/v1/payments HTTP/1.1\r\n${lines}\r\n\r\n${chunk}`;
    const broken = pause(300).then(() => 'XX\r\n');
    const answer = await sendRaw(gateway, bytes, 3000, broken);
    expect(answer).toContain('begun');
    expect(statusesOf(answer)).toEqual([200]);
    expect(answer).not.toContain('problem+json');
  });

  it('is HTTP/1.0 with a transfer coding: RFC 9112 §6.1', async () => {
    const gateway = await startGateway();
    const head = 'POST /api/v1/auth/login HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\ntransfer-encoding: chunked';
    const answer = await sendRaw(gateway, `${head}\r\n\r\n2\r\n{}\r\n0\r\n\r\n`);
    expect([statusesOf(answer), gateway.services.seen()]).toEqual([[400], 0]);
  });
});

describe('an unknown expectation', () => {
  it('is no way past the flood limit', async () => {
    const gateway = await startGateway({ FLOOD_LIMIT_PER_MINUTE: '60', FLOOD_LIMIT_BURST: '1' });
    const one = 'GET /health HTTP/1.1\r\nhost: a\r\nexpect: banana\r\n\r\n';
    expect(statusesOf(await sendRaw(gateway, one + one))).toEqual([200, 429]);
  });
});

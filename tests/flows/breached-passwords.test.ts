import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpClient } from '../testing/http-client.ts';
import { type Issuer, refusedIssuer, startIssuer } from '../testing/issuer.ts';
import { readMetric } from '../testing/metrics.ts';
import { newPerson, register, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';
import { sha1Of, startRangeServer } from '../testing/range-server.ts';

const breached = 'winter is coming to Berlin 1742';
const folder = mkdtempSync(join(tmpdir(), 'breached-'));
let server: Awaited<ReturnType<typeof startRangeServer>>;
beforeAll(async () => {
  server = await startRangeServer([breached]);
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const checks = (issuer: Issuer, rule: string, outcome: string) =>
  readMetric(issuer.privateUrl, 'sallyport_auth_password_checks_total', `{rule="${rule}",outcome="${outcome}"}`);

const outages: readonly (readonly [string, RequestListener])[] = [
  ['fails', (_, response) => response.writeHead(500).end()],
  ['is slow', () => undefined],
  ['redirects', (_, response) => response.writeHead(302, { location: '/range/00000' }).end()],
  ['sends too much', (_, response) => response.end('0'.repeat(300_000))],
  ['answers with a page', (_, response) => response.end('<html></html>')],
];

const expectBreachedRefused = async (issuer: Issuer): Promise<void> => {
  const call = httpClient(issuer.url);
  const { access, person } = await signUp(call);
  const body = { current_password: person.password, new_password: breached };
  for (const answer of [
    await register(call, newPerson({ password: breached })),
    await call('POST', '/auth/password', { bearer: access, body }),
  ]) {
    expectProblem(answer, 'password_breached');
    expect(answer.body['feedback']).toMatchObject({
      warning: 'This password was exposed by a data breach on the Internet.',
      codes: { warning: 'pwned', suggestions: ['pwned'] },
    });
  }
};

describe('passwords known from data breaches, asked of a server', () => {
  it('are refused; five digits of the hash leave the house', async () => {
    const issuer = await startIssuer({ PASSWORD_BREACH_URL: server.url });
    await expectBreachedRefused(issuer);
    expect(await checks(issuer, 'breached', 'password_breached')).toBe(2);
    expect(server.asked).toContain(`/range/${sha1Of(breached).slice(0, 5)}`);
    for (const path of server.asked) expect(path).toMatch(/^\/range\/[0-9A-F]{5}$/);
    await issuer.remove();
  });

  it.each([
    ['closed', 503],
    ['open', 201],
  ] as const)('when it cannot be asked and the setting says %s: %i', async (mode, status) => {
    const issuer = await startIssuer({ PASSWORD_BREACH_URL: server.url, PASSWORD_BREACH_FAIL: mode });
    const call = httpClient(issuer.url);
    for (const [index, [, behaviour]] of outages.entries()) {
      server.behave(behaviour);
      const answer = await register(call, newPerson({ password: `${breached} ${index}` }));
      expect(answer.status).toBe(status);
      if (mode === 'closed') {
        expectProblem(answer, 'password_check_unavailable');
        expect(answer.headers['retry-after']).toBe('5');
        expect(answer.text).not.toMatch(/fetch|127\.0\.0\.1|range/);
      }
    }
    await issuer.waitForLine(({ msg, accepted }) => msg === 'breach lookup failed' && accepted === (mode === 'open'));
    expect(issuer.output()).not.toContain(breached);
    server.behave(undefined);
    expect(await checks(issuer, 'breach_lookup', 'failed')).toBe(outages.length);
    expectProblem(await register(call, newPerson({ password: breached })), 'password_breached');
    await issuer.remove();
  });
});

describe('passwords known from data breaches, looked up in a file', () => {
  const lines = [breached, ...Array.from({ length: 5000 }, (_, index) => `another ${index}`)]
    .map((password) => `${sha1Of(password)}:2`)
    .sort();

  it('are refused', async () => {
    const path = join(folder, 'hashes.txt');
    writeFileSync(path, lines.join('\r\n'));
    const issuer = await startIssuer({ PASSWORD_BREACH_FILE: path });
    await expectBreachedRefused(issuer);
    await issuer.remove();
  });

  it('that is not there, or not sorted, or given beside a server: the start is refused', async () => {
    const unsorted = join(folder, 'unsorted.txt');
    writeFileSync(unsorted, lines.toReversed().join('\n'));
    const settings = { SALLYPORT_PRESET: 'microservices', SALLYPORT_ROOT_KEYS: `1:${'k'.repeat(43)}` };
    for (const [given, message] of [
      [{ PASSWORD_BREACH_FILE: join(folder, 'missing.txt') }, /PASSWORD_BREACH_FILE cannot be used: ENOENT/],
      [{ PASSWORD_BREACH_FILE: unsorted }, /PASSWORD_BREACH_FILE cannot be used: .*not sorted/],
      [{ PASSWORD_BREACH_FILE: unsorted, PASSWORD_BREACH_URL: server.url }, /PASSWORD_BREACH_URL and .* both set/],
      [{ PASSWORD_BREACH_URL: 'ftp://example.org/' }, /PASSWORD_BREACH_URL must be a URL/],
    ] as const) {
      const { exitCode, stderr } = await refusedIssuer({ ...settings, ...secrets, ...given });
      expect(exitCode).not.toBe(0);
      expect(stderr).toMatch(message);
    }
  });
});

const secrets = {
  CSRF_KEYS: `1:${Buffer.alloc(32, 7).toString('base64url')}`,
  SALLYPORT_ROOT_KEYS: `1:${Buffer.alloc(32, 9).toString('base64url')}`,
  JWT_SECRET: Buffer.from(Array.from({ length: 32 }, (_, index) => index * 7)).toString('base64url'),
};

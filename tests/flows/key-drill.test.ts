/** The drill as an operator runs it: against issuers at work, with a token of before. */
import { expect, it } from 'vitest';
import { sallyportAsync } from '../start/testing/started.ts';
import { httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { signUp } from '../testing/people.ts';

const ring = { JWT_ALGORITHM: 'ES256', JWT_SECRET: '', JWKS_MAX_AGE_SECONDS: '1', ACCESS_TOKEN_TTL_SECONDS: '60' };

const drill = async (issuer: Issuer, others: readonly string[], prepare: (refresh: string) => Promise<unknown>) => {
  const { access, refresh } = await signUp(httpClient(issuer.url));
  await prepare(refresh);
  const urls = [issuer.url, ...others].flatMap((url) => ['--issuer', url]);
  const args = ['keys', 'drill', ...urls, '--gateway', `${issuer.url}/auth/verify`, '--after', '0', '--json'];
  const env = { ...issuer.folder.settings, ...ring, DRILL_TOKEN: access };
  const { status, stdout, stderr } = await sallyportAsync(args, env);
  return { status, stderr, report: JSON.parse(stdout || '{}') as Readonly<Record<string, unknown>> };
};

it.concurrent('a drill follows the next key to every issuer until it signs, and sees that a token of before passes', async () => {
  const folder = issuerFolder();
  const issuer = await startIssuer(ring, folder);
  const second = await startIssuer(ring, folder);
  const { status, stderr, report } = await drill(issuer, [second.url], async () => undefined);
  expect([stderr, status]).toEqual(['', 0]);
  expect(report).toMatchObject({ passed: true, failures: [] });
  const texts = (report['steps'] as readonly { text: string }[]).map(({ text }) => text);
  expect(texts.filter((text) => text.endsWith(`publishes ${String(report['kid'])}`))).toHaveLength(2);
  expect(texts.some((text) => text.startsWith('the next key signs'))).toBe(true);
  await second.stop();
  await issuer.remove();
});

it.concurrent('a drill in which somebody refuses the token, or an issuer publishes other keys, ends with 1 and says where', async () => {
  const [issuer, stranger] = await Promise.all([startIssuer(ring), startIssuer(ring)]);
  const logOut = (refresh: string) =>
    httpClient(issuer.url)('POST', '/auth/logout', { body: { refresh_token: refresh } });
  const { status, report } = await drill(issuer, [stranger.url], logOut);
  expect(status).toBe(1);
  const failures = (report['failures'] as readonly { text: string }[]).map(({ text }) => text).join('\n');
  expect(failures).toContain(`${issuer.url}/auth/verify answers 401 to the token`);
  expect(failures).toContain(`${stranger.url} publishes no key that the token is signed with`);
  expect(failures).toContain(`${stranger.url} did not publish`);
  await Promise.all([issuer.remove(), stranger.remove()]);
});

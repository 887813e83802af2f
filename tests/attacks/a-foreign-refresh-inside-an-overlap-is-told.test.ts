/** refresh.md: an overlap hit from another address and agent is audited. Whoever repeats the attempt with its own token hits it as well. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { signUp } from '../testing/people.ts';

const patience = { timeout: 20_000, interval: 50 } as const;
const attempt = { 'idempotency-key': 'an-attempt-id-of-22-or-more' };

let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer({ REFRESH_ROTATION: 'on', EVENT_RELAY: 'off' });
});
afterAll(() => issuer.remove());

interface Place {
  readonly address: string;
  readonly agent: string;
}

/** From another address of this machine. */
const refreshFrom = async ({ address, agent }: Place, token: string): Promise<string> => {
  const headers = { ...attempt, 'content-type': 'application/json', 'user-agent': agent };
  const options = { method: 'POST', localAddress: address, agent: false, headers } as const;
  const outgoing = request(new URL('/auth/refresh', issuer.url.replace('localhost', '127.0.0.1')), options);
  outgoing.end(JSON.stringify({ refresh_token: token }));
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  const body = JSON.parse((await answer.toArray()).join('')) as Readonly<Record<string, unknown>>;
  return String(body['refresh_token'] ?? body['code']);
};

const records = async (userId: string, type: string): Promise<number> =>
  (
    await issuer.folder.database.query(
      `SELECT event_type FROM audit WHERE user_id = '${userId}' AND event_type = '${type}'`,
    )
  ).length;

it.each([
  ['the token that it led to', (_: string, current: string) => current],
  ['the token before', (before: string) => before],
])('also with the attempt id, and %s', async (_, shown) => {
  const { refresh: first, userId } = await signUp(httpClient(issuer.url));
  const owner = { address: '127.0.0.1', agent: 'sallyport-tests/1' };
  const second = await refreshFrom(owner, first);
  // The owner himself: another address alone, or another agent, is a phone that moves.
  for (const place of [owner, { ...owner, address: '127.0.0.2' }, { ...owner, agent: 'updated/2' }])
    expect(await refreshFrom(place, shown(first, second))).toBe(second);
  expect(await refreshFrom({ address: '127.0.0.2', agent: 'thief/1' }, shown(first, second))).toBe(second);
  await expect.poll(() => records(userId, 'refresh_overlap_foreign'), patience).toBe(1);
});

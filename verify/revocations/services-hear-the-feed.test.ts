import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AssertionClaims } from '@sallyport/contract';
import { afterEach, describe, expect, it } from 'vitest';
import {
  assertionKey,
  createAssertionSigner,
  createBearerGuard,
  createGuard,
  type Guard,
  openRevocationFeed,
  type RevocationFeed,
  type RevocationFeedOptions,
  targetHash,
} from '../index.ts';
import { type FeedServer, startFeedServer } from '../testing/feed-server.ts';
import { fixedClock, goodClaims, mint, nowSeconds, rigs, verifierOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';
import { frameworks, type RunningServer, send, startServer } from '../testing/servers.ts';

const key = assertionKey(randomBytes(32), 'payment');
const signer = createAssertionSigner({ kid: 'g1', key });
const user = { sub: 'user-1', sid: 'session-1', uep: 3 };
let counter = 0;
const assertion = (change: Partial<AssertionClaims> = {}): string => {
  counter += 1;
  const jti = `0192f0c1-2b3c-7d4e-8f50-${counter.toString(16).padStart(12, '0')}`;
  const times = { iat: nowSeconds, exp: nowSeconds + 30 };
  const request = { cip: '192.0.2.7', mth: 'GET', pth: targetHash('/payments') };
  return signer.sign({ ver: 1, iss: 'gateway', aud: 'payment', jti, ...times, ...user, ...request, ...change });
};

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const subscribed = async (options: Partial<RevocationFeedOptions> = {}) => {
  const server = await startFeedServer('auth-service');
  const feed = openRevocationFeed({ url: server.url, token: 'x', issuer: 'auth-service', ...options });
  stops.push(
    () => server.stop(),
    () => feed.close(),
  );
  return { server, feed };
};

const guardOf = (revocations: RevocationFeed): Guard =>
  createGuard({ service: 'payment', keys: [{ kid: 'g1', key }], clock: fixedClock, revocations });

const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  const giveUpMs = performance.now() + 2000;
  while (!(await holds())) {
    if (performance.now() > giveUpMs) throw new Error('still not so after 2 s');
    await sleep(2);
  }
};

/** A subscriber that was there before is told nothing twice, so the snapshot is sent until it is heard. */
const snapshot = (server: FeedServer, feed: RevocationFeed): Promise<void> =>
  until(() => {
    server.snapshot();
    return feed.isReady();
  });

const codeOf = async (server: RunningServer, headers: Record<string, string>): Promise<string | number> => {
  const { status, body } = await send(server, '/payments', headers);
  return status === 200 ? 200 : (JSON.parse(body) as { code: string }).code;
};

describe.each(frameworks)('behind the %s adapter', (framework) => {
  it('a service refuses the assertion of an ended session, and everything before its first snapshot', async () => {
    const { server, feed } = await subscribed();
    const service = await startServer(framework, guardOf(feed));
    stops.push(() => service.stop());
    const code = (change: Partial<AssertionClaims> = {}) =>
      codeOf(service, { 'x-gateway-assertion': assertion(change) });
    expect(await code()).toBe('revocation_unavailable');
    await snapshot(server, feed);
    expect(await code()).toBe(200);
    server.tell({ kind: 'session', id: 'session-1' });
    await until(async () => (await code()) === 'token_revoked');
    expect(await code({ sid: 'session-2' })).toBe(200);
    server.tell({ kind: 'user', id: 'user-2', below: 4, stale: true });
    await until(async () => (await code({ sub: 'user-2', sid: 'session-2' })) === 'token_stale');
    expect(await code({ sub: 'user-2', sid: 'session-2', uep: 4 })).toBe(200);
  });

  it('a service without a gateway refuses the token of an ended session', async () => {
    const { server, feed } = await subscribed();
    const guard = createBearerGuard({ verifier: verifierOf(rigs.ES256), revocations: feed });
    const service = await startServer(framework, guard);
    stops.push(() => service.stop());
    const code = () => codeOf(service, { authorization: `Bearer ${mint(rigs.ES256)}` });
    expect(await code()).toBe('revocation_unavailable');
    await snapshot(server, feed);
    expect(await code()).toBe(200);
    server.tell({ kind: 'session', id: String(goodClaims['sid']) });
    await until(async () => (await code()) === 'token_revoked');
  });
});

describe('a guard with a feed', () => {
  const judge = (guard: Guard, change: Partial<AssertionClaims> = {}): string | number => {
    const values = (name: string) => (name === 'x-gateway-assertion' ? [assertion(change)] : []);
    const decision = guard.check({ method: 'GET', target: '/payments', values });
    if (decision instanceof Promise) throw new Error('the guard waits');
    return decision.pass ? 'ok' : (JSON.parse(decision.answer.body) as { code: string }).code;
  };

  it('knows whose session it is: the issuer that the assertion names, its own spelling of the id', async () => {
    const { server, feed } = await subscribed();
    const guard = guardOf(feed);
    await snapshot(server, feed);
    server.tell({ kind: 'session', id: 'session-1' }, { kind: 'user', id: 'user-9', below: 9 });
    await until(() => judge(guard) === 'token_revoked');
    const foreign = { tis: 'https://partner.example', sub: 'partner|user-9', sid: 'partner|session-1' };
    expect(judge(guard, foreign)).toBe('ok');
    expect(judge(guard, { ...foreign, tis: 'auth-service' })).toBe('token_revoked');
    expect(judge(guard, { tis: 'auth-service', sid: 'session-1' })).toBe('token_revoked');
  });

  it('judges who has no epoch by the time of his login, never by that of the assertion', async () => {
    const { server, feed } = await subscribed();
    const guard = guardOf(feed);
    await snapshot(server, feed);
    server.tell({ kind: 'user', id: 'user-1', below: 9, atMs: nowSeconds * 1000 });
    const { uep: _uep, ...without } = user;
    const legacy = (auth_time?: number) => ({ ...without, uep: undefined as never, ...(auth_time && { auth_time }) });
    await until(() => judge(guard, legacy()) === 'token_revoked');
    expect(judge(guard, legacy(nowSeconds - 60))).toBe('token_revoked');
    expect(judge(guard, legacy(nowSeconds + 1))).toBe('ok');
  });

  it('lets nobody in once it has heard nothing for longer than it was told, and still knows who had ended', async () => {
    const clock = { ms: 0 };
    const { server, feed } = await subscribed({ maxStalenessSeconds: 5, elapsedMs: () => clock.ms });
    const guard = guardOf(feed);
    await snapshot(server, feed);
    server.tell({ kind: 'session', id: 'session-1' });
    await until(() => judge(guard) === 'token_revoked');
    server.stop();
    clock.ms += 5000;
    expect(judge(guard, { sid: 'session-2' })).toBe('ok');
    clock.ms += 1;
    expect(judge(guard, { sid: 'session-2' })).toBe('revocation_unavailable');
    expect(judge(guard)).toBe('token_revoked');
  });

  it('is not ready before its first snapshot is whole', async () => {
    const { server, feed } = await subscribed();
    await until(() => feed.stats().connects === 1);
    server.tell({ kind: 'session', id: 'session-1' });
    await until(() => feed.stats().entries === 1);
    expect(feed.isReady()).toBe(false);
    expect(judge(guardOf(feed), { sid: 'session-2' })).toBe('revocation_unavailable');
    await snapshot(server, feed);
    expect(judge(guardOf(feed), { sid: 'session-2' })).toBe('ok');
  });
});

describe('is known to be able to fail', () => {
  const subject = { iss: 'auth-service', sub: 'user-1', sid: 'session-1', uep: 3, kid: '', iat: nowSeconds };

  it('where a feed counts from its start instead of its first snapshot, everybody is let in before it', async () => {
    const change = { find: 'let heardAtMs = Number.NEGATIVE_INFINITY;', replace: 'let heardAtMs = elapsedMs();' };
    await withSabotage([{ file: 'revocations/revocation-feed.ts', ...change }], async (broken) => {
      const feed = broken.openRevocationFeed({ url: 'http://127.0.0.1:9/', token: 'x', issuer: 'auth-service' });
      stops.push(() => feed.close());
      expect(feed.isRevoked(subject)).toBe('active');
    });
  });

  it("where a feed speaks of every issuer, it ends the sessions of another's", async () => {
    const change = { find: "if (subject.iss !== options.issuer) return 'active';", replace: '' };
    await withSabotage([{ file: 'revocations/revocation-feed.ts', ...change }], async (broken) => {
      const server = await startFeedServer('auth-service');
      const feed = broken.openRevocationFeed({ url: server.url, token: 'x', issuer: 'auth-service' });
      stops.push(
        () => server.stop(),
        () => feed.close(),
      );
      await snapshot(server, feed);
      server.tell({ kind: 'session', id: 'session-1' });
      await until(() => feed.isRevoked({ ...subject, iss: 'https://partner.example' }) === 'revoked');
    });
  });
});

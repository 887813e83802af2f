import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openRevocationFeed, type RevocationFeed, type RevocationFeedOptions } from '../index.ts';
import { nowSeconds } from '../testing/rig.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const serve = async (listener: RequestListener): Promise<string> => {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/revocations`;
};

const subscribe = (url: string, options: Partial<RevocationFeedOptions> = {}): RevocationFeed => {
  const feed = openRevocationFeed({ url, token: 'secret-token', issuer: 'auth-service', ...options });
  stops.push(() => feed.close());
  return feed;
};

const subject = { iss: 'auth-service', sub: 'user-1', sid: 'session-1', uep: 3, kid: 'k1', iat: nowSeconds };
const event = (name: string, data: unknown, id?: string): string =>
  `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
const reset = event('reset', { version: 1, issuer: 'auth-service' });
const synced = event('synced', {}, 's.1');
const heartbeat = event('heartbeat', {});
const ended = (id: string) => event('entries', [{ kind: 'session', id, atMs: 1, untilMs: Date.now() + 900_000 }]);

const stream = (res: ServerResponse, text: string): void => {
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  res.write(text);
};
const saying =
  (text: string): RequestListener =>
  (_req, res) =>
    stream(res, text);

/** Long enough for several tries: the first pauses are 50 and 100 ms. */
const failed = (feed: RevocationFeed, count = 1): Promise<unknown> =>
  expect.poll(() => feed.stats().failures, { timeout: 2000 }).toBeGreaterThanOrEqual(count);

describe('before a whole snapshot of its own issuer nobody is let in by', () => {
  it.each<[string, string]>([
    ['a feed about another issuer', event('reset', { version: 1, issuer: 'https://partner.example' }) + synced],
    ['a feed of another version', event('reset', { version: 2, issuer: 'auth-service' }) + synced],
    [
      'an entry of an unknown kind',
      reset + event('entries', [{ kind: 'device', id: 'x', atMs: 1, untilMs: 2 }]) + synced,
    ],
    ['an entry without an end', reset + event('entries', [{ kind: 'session', id: 'x', atMs: 1 }]) + synced],
    [
      'a user entry without an epoch',
      reset + event('entries', [{ kind: 'user', id: 'x', atMs: 1, untilMs: 2 }]) + synced,
    ],
    ['entries that are no list', reset + event('entries', {}) + synced],
    ['a claim to be whole without a snapshot', synced + heartbeat],
    ['an id longer than any', reset + ended('x'.repeat(1025)) + synced],
    ['what is no JSON', `${reset}event: entries\ndata: [\n\n${synced}`],
  ])('%s', async (_name, text) => {
    const feed = subscribe(await serve(saying(text)));
    await failed(feed, 2);
    expect([feed.isReady(), feed.isRevoked(subject)]).toEqual([false, 'unknown']);
  });

  it.each<[string, string]>([
    ['heartbeats alone', heartbeat.repeat(20)],
    ['a snapshot that has not ended', reset + ended('session-9') + heartbeat],
    ['an event that has not ended', `${reset}event: synced\ndata: {}\n`],
  ])('%s', async (_name, text) => {
    const feed = subscribe(await serve(saying(text)));
    await expect.poll(() => feed.stats().connects).toBe(1);
    await sleep(50);
    expect([feed.isReady(), feed.isRevoked(subject)]).toEqual([false, 'unknown']);
  });

  it.each<[string, RequestListener]>([
    ['a redirect', (_req, res) => void res.writeHead(302, { location: '/elsewhere' }).end()],
    ['an error', (_req, res) => void res.writeHead(503).end(reset + synced)],
    ['a refusal', (_req, res) => void res.writeHead(401).end()],
  ])('%s', async (_name, listener) => {
    const targets: (string | undefined)[] = [];
    const feed = subscribe(
      await serve((req, res) => {
        targets.push(req.url);
        listener(req, res);
      }),
    );
    await failed(feed, 2);
    expect(feed.isRevoked(subject)).toBe('unknown');
    expect(new Set(targets)).toEqual(new Set(['/v1/revocations']));
    expect(JSON.stringify(feed.stats())).not.toContain('secret-token');
  });

  it('an event without end, which costs no more memory than one of ours', async () => {
    const endless = (res: ServerResponse): void => {
      const more = (): void => {
        while (!res.destroyed && res.write('x'.repeat(65_536)));
      };
      res.on('drain', more);
      more();
    };
    const feed = subscribe(
      await serve((_req, res) => {
        stream(res, `${reset}data: `);
        endless(res);
      }),
    );
    await failed(feed);
    expect(feed.stats().lastFailure).toContain('without end');
  });
});

it('entries without end take no more memory than they were given, and let nobody in until they end', async () => {
  const texts = Array.from({ length: 50 }, (_, at) => ended(`session-${at + 2}`)).join('');
  let text = reset + ended('session-1') + texts + synced;
  const feed = subscribe(await serve((_req, res) => stream(res, text)), { maxEntries: 20 });
  await failed(feed, 2);
  expect(feed.stats().entries).toBeLessThanOrEqual(20);
  expect(feed.stats().lastFailure).toContain('more than 20 entries');
  expect([feed.isReady(), feed.isRevoked(subject)]).toEqual([false, 'revoked']);
  expect(feed.isRevoked({ ...subject, sid: 'session-99' })).toBe('unknown');
  text = reset + ended('session-99') + synced;
  await expect.poll(() => feed.isReady(), { timeout: 2000 }).toBe(true);
  expect([feed.isRevoked({ ...subject, sid: 'session-99' }), feed.stats().entries]).toEqual(['revoked', 1]);
});

it('a feed takes as many entries as it was given room for', async () => {
  const text = Array.from({ length: 20 }, (_, at) => ended(`session-${at + 1}`)).join('');
  const feed = subscribe(await serve(saying(reset + text + synced)), { maxEntries: 20 });
  await expect.poll(() => feed.isReady()).toBe(true);
  expect(feed.isRevoked(subject)).toBe('revoked');
});

describe('what is known stays known', () => {
  /** Each connection gets the next text; the last one stays open. */
  const inTurn = (texts: readonly string[], seen: IncomingMessage[] = []): RequestListener => {
    let at = 0;
    return (req, res) => {
      seen.push(req);
      const isLast = at >= texts.length - 1;
      stream(res, texts[at] ?? texts.at(-1) ?? '');
      at += 1;
      if (!isLast) setTimeout(() => res.destroy(), 20);
    };
  };

  it('when the next snapshot is cut off in the middle, and until the one after it is whole', async () => {
    const texts = [
      reset + ended('session-1') + synced,
      reset + ended('session-2'),
      reset + ended('session-3') + synced,
    ];
    const feed = subscribe(await serve(inTurn(texts)));
    await expect.poll(() => feed.isRevoked(subject)).toBe('revoked');
    await expect.poll(() => feed.stats().connects, { timeout: 2000 }).toBe(2);
    // New entries count at once, the old ones until a whole snapshot says otherwise.
    await expect.poll(() => feed.isRevoked({ ...subject, sid: 'session-2' })).toBe('revoked');
    expect(feed.isRevoked(subject)).toBe('revoked');
    await expect.poll(() => feed.isRevoked({ ...subject, sid: 'session-3' }), { timeout: 2000 }).toBe('revoked');
    expect(feed.isRevoked(subject)).toBe('active');
  });

  it('for its own time, whatever the clock on the wall says meanwhile', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    stops.push(() => vi.useRealTimers());
    const time = { elapsedMs: 0 };
    const session = { kind: 'session', id: 'session-1', atMs: Date.now(), untilMs: Date.now() + 900_000 };
    const text = reset + event('entries', [session]) + synced;
    const feed = subscribe(await serve(saying(text)), { elapsedMs: () => time.elapsedMs });
    await vi.waitUntil(() => feed.isReady());
    vi.setSystemTime(Date.now() + 3_600_000);
    vi.advanceTimersByTime(60_000);
    expect(feed.isRevoked(subject)).toBe('revoked');
    time.elapsedMs += 900_001;
    vi.advanceTimersByTime(60_000);
    expect(feed.stats().entries).toBe(0);
  });

  it('and a subscriber comes back with the place where it was', async () => {
    const seen: IncomingMessage[] = [];
    const feed = subscribe(await serve(inTurn([reset + ended('session-1') + synced, synced], seen)));
    await expect.poll(() => seen.length, { timeout: 2000 }).toBe(2);
    expect(seen.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 's.1']);
    expect(feed.isRevoked(subject)).toBe('revoked');
  });

  it('when a connection falls silent: it is made anew', async () => {
    const seen: IncomingMessage[] = [];
    const feed = subscribe(
      await serve((req, res) => {
        seen.push(req);
        stream(res, reset + synced);
      }),
      { silenceMs: 60 },
    );
    await expect.poll(() => seen.length, { timeout: 2000 }).toBeGreaterThan(1);
    expect(feed.isReady()).toBe(true);
  });
});

it.each([
  [{ url: 'http://x/', token: 't' }, 'option "issuer" is missing'],
  [{ url: 'http://x/', token: 't', issuer: 'i', staleness: 3 }, 'unknown option "staleness"'],
  [{ url: 'http://x/', token: 't', issuer: 'i', maxStalenessSeconds: Number.NaN }, 'not a finite number'],
])('options %j are refused', (options, message) => {
  expect(() => openRevocationFeed(options as never)).toThrow(message);
});

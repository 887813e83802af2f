import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultRealm } from '@sallyport/contract';
import { systemClock } from '@sallyport/kit/clock';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import { drivers } from '@sallyport/storage';
import type { Storage } from '@sallyport/storage/contracts/storage';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLocalHolder, newStoredKey, signingKeyPlace } from './key-holder.ts';
import type { KeyRing } from './public-ring.ts';
import { openStoredRing, type StoredRingOptions } from './stored-ring.ts';

const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const context = { requestId: 'test', actor: 'admin' } as const;
const pollMs = 20;

interface Node {
  readonly ring: KeyRing;
  readonly storage: Storage;
}

/** So many nodes on one store, each with a connection of its own. */
const nodes = async (
  count: number,
  settings: StoredRingOptions['settings'] & { readonly keyRotationSeconds: number },
  given: Partial<StoredRingOptions> = {},
): Promise<readonly Node[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-ring-'));
  const open = async (): Promise<Node> => {
    const storage = await drivers.sqlite({ file: join(folder, 'store.db'), sealer, revocationLifetimeMs: 1000 });
    const holder = createLocalHolder({ settings, algorithm: 'ES256', sealer });
    const parts = { settings, algorithm: 'ES256', keys: storage.keys, holder, log: silent, pollMs } as const;
    const ring = await openStoredRing({ ...parts, clock: systemClock(), ...given });
    return { ring, storage };
  };
  const opened = await Promise.all(Array.from({ length: count }, open));
  onTestFinished(async () => {
    for (const { ring, storage } of opened) {
      await ring.stop();
      await storage.close();
    }
    rmSync(folder, { recursive: true, force: true });
  });
  return opened;
};

const kidsOf = ({ ring }: Node): readonly string[] => ring.publicJwks.map(({ kid }) => kid);
const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
  for (let tries = 0; !(await isSo()); tries += 1) {
    if (tries > 400) throw new Error('not so after eight seconds');
    await sleep(pollMs);
  }
};

describe('a ring in the store', () => {
  it('turns by itself: a key is published on every node before any of them signs with it, and verifies afterwards', async () => {
    const all = await nodes(3, { keyRotationSeconds: 0.8, keyVerifySeconds: 2, jwksMaxAgeSeconds: 0.2 });
    expect(new Set(all.map(({ ring }) => ring.current.kid)).size).toBe(1);
    const everywhere = new Set<string>();
    const signed: string[] = [];
    const untilMs = performance.now() + 4000;
    while (performance.now() < untilMs) {
      for (const { ring } of all) {
        const { kid } = ring.current;
        if (signed.at(-1) === kid || signed.includes(kid)) continue;
        // The first was there before anybody could have asked.
        if (signed.length > 0) expect(everywhere.has(kid)).toBe(true);
        signed.push(kid);
      }
      const [first = [], ...others] = all.map(kidsOf);
      for (const kid of first) if (others.every((kids) => kids.includes(kid))) everywhere.add(kid);
      await sleep(5);
    }
    expect(signed.length).toBeGreaterThanOrEqual(4);
    const [one] = all;
    // Current first; of those before, the last still verify and the first is gone.
    expect(one?.ring.publicJwks[0]?.kid).toBe(one?.ring.current.kid);
    const kids = one === undefined ? [] : kidsOf(one);
    expect([kids.includes(signed.at(-2) ?? ''), kids.includes(signed[0] ?? '')]).toEqual([true, false]);
    const held = one?.ring.verification.current(0).keys.map(({ kid }) => kid);
    expect(held).toEqual(kids);
  });

  it('gives cached tokens the same key object for as long as the key is held', async () => {
    const [node] = await nodes(1, { keyRotationSeconds: 0.6, keyVerifySeconds: 60, jwksMaxAgeSeconds: 0.1 });
    if (node === undefined) throw new Error('not started');
    const [first] = node.ring.verification.current(0).keys;
    const set = node.ring.verification.current(0);
    expect(node.ring.verification.current(0)).toBe(set);
    await until(() => kidsOf(node).length >= 3);
    expect(node.ring.verification.current(0).generation).toBeGreaterThan(set.generation);
    expect(first !== undefined && node.ring.verification.current(0).keys.includes(first)).toBe(true);
  });

  it('signs with another key everywhere where the current one was removed, without a restart', async () => {
    const all = await nodes(2, { keyRotationSeconds: 0, keyVerifySeconds: 60, jwksMaxAgeSeconds: 300 });
    const [one, other] = all;
    const { kid } = one?.ring.current ?? { kid: '' };
    await other?.storage.keys.removeKey({ realmId: defaultRealm, kid, context });
    await until(() => all.every(({ ring }) => ring.current.kid !== kid));
    expect(one?.ring.current.kid).toBe(other?.ring.current.kid);
    expect(all.flatMap(kidsOf)).not.toContain(kid);
  });

  it('turns on demand where the schedule is off, and not before its time', async () => {
    const [node] = await nodes(1, { keyRotationSeconds: 0, keyVerifySeconds: 60, jwksMaxAgeSeconds: 0.2 });
    if (node === undefined) throw new Error('not started');
    const { kid } = node.ring.current;
    await sleep(10 * pollMs);
    expect(kidsOf(node)).toEqual([kid]);
    const candidate = await newStoredKey('ES256', sealer);
    const askedMs = performance.now();
    await node.storage.keys.ensureNextKey(candidate, { publishForMs: 400, context });
    await until(() => node.ring.current.kid !== kid);
    expect(performance.now() - askedMs).toBeGreaterThanOrEqual(395);
    expect([node.ring.current.kid, kidsOf(node)]).toEqual([candidate.kid, [candidate.kid, kid]]);
  });

  it('goes on with what it has read while the store is away, and says so once', async () => {
    let isAway = false;
    const told: unknown[] = [];
    const log = { ...silent, error: (...line: unknown[]) => void told.push(line) };
    const [first] = await nodes(1, { keyRotationSeconds: 0, keyVerifySeconds: 60, jwksMaxAgeSeconds: 300 });
    if (first === undefined) throw new Error('not started');
    const { keys } = first.storage;
    const faulty = {
      ...keys,
      listKeys: (...given: Parameters<typeof keys.listKeys>) =>
        isAway ? Promise.reject(new Error('away')) : keys.listKeys(...given),
    };
    const settings = { keyRotationSeconds: 0, keyVerifySeconds: 60, jwksMaxAgeSeconds: 300 };
    const holder = createLocalHolder({ settings, algorithm: 'ES256', sealer });
    const parts = { settings, algorithm: 'ES256', holder, pollMs, clock: systemClock() } as const;
    const ring = await openStoredRing({ ...parts, keys: faulty, log });
    const { kid } = ring.current;
    isAway = true;
    await sleep(10 * pollMs);
    expect([ring.current.kid, ring.publicJwks.length, told.length]).toEqual([kid, 1, 1]);
    isAway = false;
    await keys.removeKey({ realmId: defaultRealm, kid, context });
    await until(() => ring.current.kid !== kid);
    await ring.stop();
  });

  it('trusts no row whose key is not the one that its id names', async () => {
    const [node] = await nodes(1, { keyRotationSeconds: 0, keyVerifySeconds: 60, jwksMaxAgeSeconds: 300 });
    if (node === undefined) throw new Error('not started');
    const [mine, theirs] = [await newStoredKey('ES256', sealer), await newStoredKey('ES256', sealer)];
    const pem = sealer.open(theirs.sealedPrivateKey, signingKeyPlace(theirs.kid));
    const forged = { ...mine, sealedPrivateKey: sealer.seal(pem, signingKeyPlace(mine.kid)) };
    await node.storage.keys.ensureNextKey(forged, { publishForMs: 0, context });
    await sleep(10 * pollMs);
    expect(kidsOf(node)).toHaveLength(1);
    expect(kidsOf(node)).not.toContain(mine.kid);
  });
});

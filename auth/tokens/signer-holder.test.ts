/** The ring of a signer, with one that keeps its keys in memory: times and states are the ring's, whoever signs. */
import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultRealm } from '@sallyport/contract';
import { systemClock } from '@sallyport/kit/clock';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import { drivers } from '@sallyport/storage';
import { describe, expect, it, onTestFinished } from 'vitest';
import { wasKeyRemoved } from '../removed-keys.ts';
import { heldText, newStoredKey, signingKeyPlace } from './key-holder.ts';
import { publicJwk } from './public-ring.ts';
import type { Signer } from './signer.ts';
import { openSignerHolder } from './signer-holder.ts';
import { openStoredRing } from './stored-ring.ts';

const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
const context = { requestId: 'test', actor: 'admin' } as const;
const pollMs = 20;

const until = async (isSo: () => boolean): Promise<void> => {
  for (let tries = 0; !isSo(); tries += 1) {
    if (tries > 1500) throw new Error('not so after half a minute');
    await sleep(pollMs);
  }
};

/** What a service holds: versions of one key, of which the last signs, and some may be gone. */
const service = () => {
  const versions: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }[] = [];
  const gone = new Set<string>();
  const turn = () => void versions.push(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  turn();
  const kidOf = (index: number) => publicJwk(versions[index]?.publicKey as KeyObject, 'ES256').kid;
  const signer: Signer = {
    name: 'vault',
    look: async () => {
      const reference = String(versions.length - 1);
      const publicKey = versions.at(-1)?.publicKey as KeyObject;
      return { newest: gone.has(reference) ? undefined : { reference, publicKey }, gone: new Set(gone) };
    },
    sign: async ({ reference, input }) => {
      const key = versions[Number(reference)]?.privateKey as KeyObject;
      return sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' });
    },
    close: () => undefined,
  };
  return { signer, turn, gone, kidOf };
};

const openStore = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-held-'));
  const storage = await drivers.sqlite({ file: join(folder, 'store.db'), sealer, revocationLifetimeMs: 1000 });
  onTestFinished(async () => {
    await storage.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return storage;
};

const node = async (storage: Awaited<ReturnType<typeof openStore>>, signer: Signer, jwksMaxAgeSeconds = 0.2) => {
  const warned: unknown[] = [];
  const log = { info: () => undefined, warn: (...line: unknown[]) => void warned.push(line), error: () => undefined };
  const limits = { parallel: 4, maxWaiting: 4, timeoutMs: 5000, lookMs: pollMs };
  const wasRemoved = (kid: string) => wasKeyRemoved(storage.revocations, kid);
  const holder = await openSignerHolder({ signer, algorithm: 'ES256', sealer, log, limits, wasRemoved });
  const settings = { keyVerifySeconds: 60, jwksMaxAgeSeconds };
  const parts = {
    settings,
    algorithm: 'ES256',
    keys: storage.keys,
    holder,
    clock: systemClock(),
    log,
    pollMs,
  } as const;
  const ring = await openStoredRing(parts);
  onTestFinished(() => ring.stop());
  return { ring, kids: () => ring.publicJwks.map(({ kid }) => kid), warned };
};

describe('the ring of a signer', () => {
  it('publishes another key on every node before any of them signs with it', async () => {
    const { signer, turn, kidOf } = service();
    const storage = await openStore();
    const nodes = await Promise.all([node(storage, signer), node(storage, signer)]);
    expect(nodes.map(({ ring }) => ring.current.kid)).toEqual([kidOf(0), kidOf(0)]);
    turn();
    const everywhere = () => nodes.every(({ kids }) => kids().includes(kidOf(1)));
    let wasEverywhere = false;
    await until(() => {
      const signs = nodes.some(({ ring }) => ring.current.kid === kidOf(1));
      if (signs) expect(wasEverywhere).toBe(true);
      wasEverywhere ||= everywhere();
      return nodes.every(({ ring }) => ring.current.kid === kidOf(1));
    });
    expect(nodes[0]?.kids()).toEqual([kidOf(1), kidOf(0)]);
    const signature = await nodes[0]?.ring.current.signJws('a.b');
    const [key] = nodes[1]?.ring.verification.current(0).keys ?? [];
    const { publicKey } = (await signer.look([], new AbortController().signal)).newest ?? {};
    expect(key?.kid).toBe(kidOf(1));
    const how = { key: publicKey as KeyObject, dsaEncoding: 'ieee-p1363' } as const;
    expect(verify('sha256', Buffer.from('a.b'), how, signature ?? Buffer.alloc(0))).toBe(true);
  });

  it('publishes no key that is gone, signs with the next one in its place, and takes it back when it is there again', async () => {
    const { signer, turn, gone, kidOf } = service();
    const one = await node(await openStore(), signer, 300);
    turn();
    await until(() => one.kids().length === 2);
    gone.add('0');
    await until(() => one.ring.current.kid === kidOf(1));
    expect(one.kids()).toEqual([kidOf(1)]);
    gone.add('1');
    await until(() => one.kids().length === 0);
    await expect(one.ring.current.signJws('a.b')).rejects.toMatchObject({ code: 'signer_unavailable' });
    gone.clear();
    await until(() => one.ring.current.kid === kidOf(0));
    expect(one.kids()).toEqual([kidOf(0), kidOf(1)]);
  });

  it('takes no key back that was removed, not after a restart either, and signs nothing until there is another one', async () => {
    const { signer, turn, kidOf } = service();
    const storage = await openStore();
    const before = await node(storage, signer);
    await storage.keys.removeKey({ realmId: defaultRealm, kid: kidOf(0), context });
    await until(() => before.kids().length === 0);
    await sleep(10 * pollMs);
    expect([before.kids(), before.warned.length]).toEqual([[], 1]);
    await expect(before.ring.current.signJws('a.b')).rejects.toMatchObject({ code: 'signer_unavailable' });
    await expect(node(storage, signer)).rejects.toThrow(/no ES256 key that can sign/);
    turn();
    await until(() => before.ring.current.kid === kidOf(1));
    expect((await node(storage, signer)).kids()).toEqual([kidOf(1)]);
  });

  it('trusts no row that names a key under the id of another, or that no issuer has sealed', async () => {
    const { signer, kidOf } = service();
    const storage = await openStore();
    const one = await node(storage, signer);
    const theirs = await newStoredKey('ES256', sealer);
    // The id and the public half are the thief's own; what is sealed is the name of ours.
    const stolen = (await storage.keys.listKeys(defaultRealm, 'ES256'))[0]?.sealedPrivateKey ?? '';
    const other = { ...theirs, sealedPrivateKey: stolen };
    await storage.keys.ensureNextKey(other, { publishForMs: 0, context });
    await sleep(10 * pollMs);
    expect(one.kids()).toEqual([kidOf(0)]);
    await storage.keys.withdrawKey({ realmId: defaultRealm, kid: theirs.kid, context });
    await storage.keys.removeKey({ realmId: defaultRealm, kid: theirs.kid, context });
    const another = await newStoredKey('ES256', sealer);
    const sealed = sealer.seal(heldText('vault', '0'), signingKeyPlace(another.kid));
    const mixed = { ...another, publicJwk: theirs.publicJwk, sealedPrivateKey: sealed };
    await storage.keys.ensureNextKey(mixed, { publishForMs: 0, context });
    await sleep(10 * pollMs);
    expect(one.kids()).toEqual([kidOf(0)]);
  });
});

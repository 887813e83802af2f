/** tests/models/refresh.pml, walked through at several bounds; each sabotaged variant has to be found violated. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Walk, walkThrough } from '../models/spin.ts';

const model = fileURLToPath(new URL('../models/refresh.pml', import.meta.url));

interface Bounds {
  readonly ATTEMPTS: 'NONE' | 'RACING' | 'SHARED';
  readonly CLIENTS: 2 | 3;
  /** Refreshes of each client. */
  readonly TRIES: number;
  readonly THIEF_TRIES: number;
  readonly REVOCATIONS: 0 | 1;
  /** No refresh is begun once the row has rotated so often. */
  readonly ROTATIONS: number;
}

const small = {
  none: { ATTEMPTS: 'NONE', CLIENTS: 2, TRIES: 1, THIEF_TRIES: 1, REVOCATIONS: 1, ROTATIONS: 2 },
  racing: { ATTEMPTS: 'RACING', CLIENTS: 2, TRIES: 2, THIEF_TRIES: 0, REVOCATIONS: 1, ROTATIONS: 2 },
  shared: { ATTEMPTS: 'SHARED', CLIENTS: 2, TRIES: 2, THIEF_TRIES: 0, REVOCATIONS: 1, ROTATIONS: 2 },
} satisfies Record<string, Bounds>;

const large: readonly Bounds[] = [
  { ATTEMPTS: 'NONE', CLIENTS: 3, TRIES: 1, THIEF_TRIES: 1, REVOCATIONS: 1, ROTATIONS: 3 },
  { ATTEMPTS: 'RACING', CLIENTS: 2, TRIES: 1, THIEF_TRIES: 1, REVOCATIONS: 1, ROTATIONS: 3 },
  { ATTEMPTS: 'SHARED', CLIENTS: 2, TRIES: 1, THIEF_TRIES: 1, REVOCATIONS: 1, ROTATIONS: 3 },
  { ATTEMPTS: 'RACING', CLIENTS: 3, TRIES: 1, THIEF_TRIES: 0, REVOCATIONS: 1, ROTATIONS: 3 },
  { ATTEMPTS: 'SHARED', CLIENTS: 3, TRIES: 1, THIEF_TRIES: 0, REVOCATIONS: 1, ROTATIONS: 3 },
  { ATTEMPTS: 'NONE', CLIENTS: 3, TRIES: 2, THIEF_TRIES: 1, REVOCATIONS: 0, ROTATIONS: 3 },
  { ATTEMPTS: 'RACING', CLIENTS: 3, TRIES: 1, THIEF_TRIES: 2, REVOCATIONS: 0, ROTATIONS: 3 },
  { ATTEMPTS: 'SHARED', CLIENTS: 3, TRIES: 1, THIEF_TRIES: 2, REVOCATIONS: 0, ROTATIONS: 3 },
  { ATTEMPTS: 'RACING', CLIENTS: 3, TRIES: 2, THIEF_TRIES: 0, REVOCATIONS: 0, ROTATIONS: 3 },
  { ATTEMPTS: 'SHARED', CLIENTS: 3, TRIES: 2, THIEF_TRIES: 0, REVOCATIONS: 0, ROTATIONS: 3 },
];

/** What is broken, where it shows, and in which claim. */
const twins: Readonly<Record<string, { readonly bounds: Bounds; readonly claim: RegExp }>> = {
  SABOTAGE_BLIND_ROTATION: { bounds: small.none, claim: /answer==\(token\+1\)/ },
  SABOTAGE_ENDLESS_OVERLAP: { bounds: small.none, claim: /sentLate/ },
  SABOTAGE_REUSE_ENDS_NOTHING: { bounds: small.none, claim: /sentLate/ },
  SABOTAGE_EPOCH_NOT_READ: { bounds: small.none, claim: /sentRevoked|userEpoch==loginEpoch/ },
  SABOTAGE_ADOPT_FIRST: { bounds: small.none, claim: /userEpoch==loginEpoch/ },
  SABOTAGE_NO_LOSERS: { bounds: small.racing, claim: /thiefCalled/ },
  SABOTAGE_IMPATIENT: { bounds: { ...small.shared, TRIES: 3, REVOCATIONS: 0, ROTATIONS: 3 }, claim: /thiefCalled/ },
};

export interface ProtocolResult {
  readonly states: number;
  readonly walks: readonly (Bounds & Walk)[];
  readonly twins: Readonly<Record<string, Walk>>;
  /** Sabotaged variants that spin did not find out, or for another reason than the one that was broken. */
  readonly undetected: readonly string[];
  readonly passed: boolean;
}

export const refreshProtocol = async (size: 'small' | 'large'): Promise<ProtocolResult> => {
  const bounds: readonly Bounds[] = size === 'small' ? Object.values(small) : [...Object.values(small), ...large];
  // The large ones take up to a gigabyte each: one at a time.
  const parallel = size === 'small' ? availableParallelism() : 1;
  const walks = await inTurns(bounds, parallel, async (each) => ({
    ...each,
    ...(await walkThrough(model, { ...each }, size)),
  }));
  const broken = await inTurns(Object.entries(twins), availableParallelism(), async ([name, twin]) => {
    const walk = await walkThrough(model, { ...twin.bounds, [name]: 1 });
    return { name, walk, detected: walk.violated !== undefined && twin.claim.test(walk.violated) };
  });
  const undetected = broken.filter(({ detected }) => !detected).map(({ name }) => name);
  return {
    states: walks.reduce((sum, { states }) => sum + states, 0),
    walks,
    twins: Object.fromEntries(broken.map(({ name, walk }) => [name, walk])),
    undetected,
    passed: undetected.length === 0 && walks.every(({ violated }) => violated === undefined),
  };
};

const inTurns = async <Item, Result>(
  items: readonly Item[],
  parallel: number,
  each: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> => {
  const results: Result[] = [];
  const left = items.entries();
  const work = async (): Promise<void> => {
    for (const [place, item] of left) results[place] = await each(item);
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return results;
};

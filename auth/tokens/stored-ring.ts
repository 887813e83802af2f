/**
 * The ring in the store: every node reads it once a second and does what is due, so that any number of them sign with one key and publish
 * the same ones. A key's life: `next` (published, so that every verifier has it before it signs), `current`, `retired` (verifies what it has
 * signed), gone. Each step is one verb of the store, which alone decides whether its time has come. Never: signs with a key that was not
 * published for its time, unless there is no other.
 */
import { defaultRealm, type SignatureAlgorithm } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { Log } from '@sallyport/kit/log';
import type { Keys, StoredKey } from '@sallyport/storage/contracts/keys';
import type { KeySet } from '@sallyport/verify';
import type { AuthSettings } from '../config.ts';
import { type KeyHolder, publishForMs } from './key-holder.ts';
import { type AsymmetricAlgorithm, SigningKeyError } from './private-key.ts';
import type { KeyRing, RingKey } from './public-ring.ts';
import { SignerFailure } from './signer.ts';
import { signerUnavailable } from './signers/call-signer.ts';
import type { SigningKey } from './signing-key.ts';

export interface StoredRingOptions {
  readonly settings: Pick<AuthSettings, 'keyVerifySeconds' | 'jwksMaxAgeSeconds'>;
  readonly algorithm: AsymmetricAlgorithm;
  readonly keys: Keys;
  readonly holder: KeyHolder;
  readonly clock: Clock;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  /** How often the ring is read. Default 1,000. */
  readonly pollMs?: number;
}

const context = { requestId: 'key-ring', actor: 'system' } as const;

interface State {
  /** Ids and states, to see a change by. */
  readonly text: string;
  /** Undefined: nothing can sign now. */
  readonly signs: RingKey | undefined;
  /** What is published. */
  readonly all: readonly RingKey[];
  readonly set: KeySet;
}

/** Reads, and keeps what it has read: a private key is opened once. */
const createReader = ({ algorithm, holder }: StoredRingOptions) => {
  let held = new Map<string, RingKey>();

  return (stored: readonly StoredKey[], before: State | undefined): State => {
    const now = new Map(stored.map((key) => [key.kid, held.get(key.kid) ?? holder.open(key)]));
    held = now;
    const standing = stored.map(({ kid, state }) => ({ kid, state, good: holder.standing(kid) }));
    const text = standing.map(({ kid, state, good }) => `${kid} ${state} ${good}`).join();
    if (before !== undefined && before.text === text) return before;
    // The next one before its time only where the current one cannot: not to sign at all serves nobody.
    const signing = standing.find(({ state, good }) => state !== 'retired' && good === 'signs');
    const signs = signing && now.get(signing.kid);
    const all = standing.flatMap(({ kid, good }) => (good === 'gone' ? [] : (now.get(kid) ?? [])));
    if (before === undefined && signs === undefined)
      throw new SigningKeyError('the ring', `holds no ${algorithm} key that can sign`);
    const generation = (before?.set.generation ?? 0) + 1;
    const keys = Object.freeze(all.map(({ verification }) => verification));
    return Object.freeze({ text, signs, all, set: Object.freeze({ generation, keys }) });
  };
};

/** Stands where nothing can sign. */
const createNoKey = (algorithm: AsymmetricAlgorithm): SigningKey => ({
  kid: 'none',
  algorithm,
  isRemote: true,
  signJws: async () => {
    throw signerUnavailable(new SignerFailure('no_key', 'no key of the ring can sign'));
  },
});

/** At a first boot each node draws a candidate and the store keeps one of them; all nodes then read the same ring. */
export const openStoredRing = async (options: StoredRingOptions): Promise<KeyRing> => {
  const { settings, algorithm, keys, holder, clock, log, pollMs = 1000 } = options;
  const noKey = createNoKey(algorithm);
  const read = createReader(options);
  const verifyForMs = settings.keyVerifySeconds * 1000;
  const published = publishForMs(settings);

  const advance = () => keys.advanceRing({ realmId: defaultRealm, algorithm, verifyForMs, context });

  /** Asks the store for each step that may be due by this node's clock; whether it is, the store says by its own. */
  const stepped = async (stored: readonly StoredKey[]): Promise<readonly StoredKey[]> => {
    const [current] = stored;
    const next = stored.find(({ state }) => state === 'next');
    const now = clock.nowMs();
    if (current?.state !== 'current') {
      if (next !== undefined) return advance();
      const first = await holder.candidate('current', stored, now);
      return first === undefined ? stored : keys.ensureCurrentKey(first, context);
    }
    const following = next === undefined ? await holder.candidate('next', stored, now) : undefined;
    if (following !== undefined) return keys.ensureNextKey(following, { publishForMs: published, context });
    const isOver = stored.some(({ verifiesUntilMs = Number.POSITIVE_INFINITY }) => verifiesUntilMs <= now);
    return isOver || (next !== undefined && next.signsFromMs <= now) ? advance() : stored;
  };

  const readRing = async () => stepped(await keys.listKeys(defaultRealm, algorithm));

  let state = read(await readRing(), undefined);
  let failing = false;
  const look = async (): Promise<void> => {
    try {
      const found = read(await readRing(), state);
      if (found.signs !== state.signs) log.info({ kid: kidOf(found), previousKid: kidOf(state) }, 'another key signs');
      state = found;
      failing = false;
    } catch (err) {
      // Once an outage: what was read goes on signing and verifying.
      if (!failing) log.error({ err }, 'reading the key ring failed');
      failing = true;
    }
  };

  let underWay: Promise<void> | undefined;
  let lookedAtMs = performance.now();
  const lookOnce = (): Promise<void> => {
    lookedAtMs = performance.now();
    underWay ??= look().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
  const timer = setInterval(() => void lookOnce(), pollMs);
  timer.unref();

  return Object.freeze({
    get current() {
      return state.signs?.signing ?? noKey;
    },
    verification: Object.freeze({
      current: () => state.set,
      // A key that another node has just made; at most as often as the ring is read anyhow.
      refetch: () => (underWay !== undefined || performance.now() - lookedAtMs >= pollMs / 4 ? lookOnce() : undefined),
    }),
    algorithms: Object.freeze<SignatureAlgorithm[]>([algorithm]),
    get publicJwks() {
      return state.all.map(({ jwk }) => jwk);
    },
    get publicPem() {
      return state.all.map(({ pem }) => pem).join('');
    },
    stop: async () => {
      clearInterval(timer);
      await underWay;
      await holder.stop();
    },
  });
};

const kidOf = ({ signs }: State): string => signs?.signing.kid ?? 'none';

/**
 * The ring in the store: every node reads it once a second and does what is due, so that any number of them sign with one key and publish
 * the same ones. A key's life: `next` (published, so that every verifier has it before it signs), `current`, `retired` (verifies what it has
 * signed), gone. Each step is one verb of the store, which alone decides whether its time has come. Never: signs with a key that was not
 * published for its time, unless there is no other.
 */
import { defaultRealm, type SignatureAlgorithm } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { Log } from '@sallyport/kit/log';
import type { Sealer } from '@sallyport/kit/seal';
import type { Keys, NewKey, StoredKey } from '@sallyport/storage/contracts/keys';
import type { KeySet } from '@sallyport/verify';
import type { AuthSettings } from '../config.ts';
import { type AsymmetricAlgorithm, generatePrivateKey, readPrivateKey, SigningKeyError } from './private-key.ts';
import { type KeyRing, publicJwk, type RingKey, ringKey } from './public-ring.ts';

export interface StoredRingOptions {
  readonly settings: Pick<AuthSettings, 'keyRotationSeconds' | 'keyVerifySeconds' | 'jwksMaxAgeSeconds'>;
  readonly algorithm: AsymmetricAlgorithm;
  readonly keys: Keys;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  /** How often the ring is read. Default 1,000. */
  readonly pollMs?: number;
}

/** Where the private half of a key is sealed for. */
export const signingKeyPlace = (kid: string) => ({ table: 'signing_keys', column: 'private_key_sealed', row: kid });

const context = { requestId: 'key-ring', actor: 'system' } as const;

/** A verifier may have fetched the ring just before a key came, through a cache that had kept it for as long. */
export const publishForMs = ({ jwksMaxAgeSeconds }: StoredRingOptions['settings']): number =>
  2 * jwksMaxAgeSeconds * 1000;

/** A fresh key, sealed for the store. */
export const newStoredKey = async (algorithm: AsymmetricAlgorithm, sealer: Sealer): Promise<NewKey> => {
  const key = await generatePrivateKey(algorithm);
  const jwk = publicJwk(key, algorithm);
  const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  return {
    kid: jwk.kid,
    realmId: defaultRealm,
    algorithm,
    publicJwk: JSON.stringify(jwk),
    sealedPrivateKey: sealer.seal(pem, signingKeyPlace(jwk.kid)),
  };
};

interface State {
  /** Ids and states, to see a change by. */
  readonly text: string;
  readonly current: RingKey;
  readonly all: readonly RingKey[];
  readonly set: KeySet;
}

/** Reads, and keeps what it has read: a private key is opened once. */
const createReader = ({ algorithm, sealer }: StoredRingOptions) => {
  let held = new Map<string, RingKey>();

  const open = ({ kid, sealedPrivateKey }: StoredKey): RingKey => {
    const pem = sealer.open(sealedPrivateKey, signingKeyPlace(kid)).toString('utf8');
    const privateKey = readPrivateKey(pem, algorithm, `the stored key ${kid}`);
    // A kid names one key and no other, whatever stands in the store.
    if (publicJwk(privateKey, algorithm).kid !== kid)
      throw new SigningKeyError(`the stored key ${kid}`, 'is another key');
    return ringKey(privateKey, algorithm);
  };

  return (stored: readonly StoredKey[], before: State | undefined): State => {
    const text = stored.map(({ kid, state }) => `${kid} ${state}`).join();
    if (before !== undefined && before.text === text) return before;
    const now = new Map(stored.map((key) => [key.kid, held.get(key.kid) ?? open(key)]));
    held = now;
    const all = [...now.values()];
    const [first] = stored;
    const current = first?.state === 'current' ? now.get(first.kid) : undefined;
    if (current === undefined) throw new SigningKeyError('the ring', `holds no current ${algorithm} key`);
    const generation = (before?.set.generation ?? 0) + 1;
    const keys = Object.freeze(all.map(({ verification }) => verification));
    return Object.freeze({ text, current, all, set: Object.freeze({ generation, keys }) });
  };
};

/** At a first boot each node draws a candidate and the store keeps one of them; all nodes then read the same ring. */
export const openStoredRing = async (options: StoredRingOptions): Promise<KeyRing> => {
  const { settings, algorithm, keys, sealer, clock, log, pollMs = 1000 } = options;
  const read = createReader(options);
  const verifyForMs = settings.keyVerifySeconds * 1000;
  const published = publishForMs(settings);

  const advance = () => keys.advanceRing({ realmId: defaultRealm, algorithm, verifyForMs, context });

  /** Asks the store for each step that may be due by this node's clock; whether it is, the store says by its own. */
  const stepped = async (stored: readonly StoredKey[]): Promise<readonly StoredKey[]> => {
    const [current] = stored;
    const next = stored.find(({ state }) => state === 'next');
    if (current?.state !== 'current') {
      return next === undefined ? keys.ensureCurrentKey(await newStoredKey(algorithm, sealer), context) : advance();
    }
    const now = clock.nowMs();
    const periodMs = settings.keyRotationSeconds * 1000;
    if (next === undefined && periodMs > 0 && now >= current.signsFromMs + periodMs - published) {
      return keys.ensureNextKey(await newStoredKey(algorithm, sealer), { publishForMs: published, context });
    }
    const isOver = stored.some(({ verifiesUntilMs = Number.POSITIVE_INFINITY }) => verifiesUntilMs <= now);
    return isOver || (next !== undefined && next.signsFromMs <= now) ? advance() : stored;
  };

  const readRing = async () => stepped(await keys.listKeys(defaultRealm, algorithm));

  let state = read(await readRing(), undefined);
  let failing = false;
  const look = async (): Promise<void> => {
    try {
      const found = read(await readRing(), state);
      if (found.current !== state.current)
        log.info({ kid: found.current.signing.kid, previousKid: state.current.signing.kid }, 'another key signs');
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
      return state.current.signing;
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
    },
  });
};

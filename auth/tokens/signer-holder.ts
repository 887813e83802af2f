/**
 * The ring of a service that keeps the private halves (`signer.ts`): what it would sign with now is the ring's next key as soon as that is
 * known here, and becomes current when it was published for its time, like every other. The service is looked at again and again; what it
 * says is deleted or disabled is published no more at once, and the ring in the store is left as it is: a mistake over there is undone
 * over there. Never: puts back a key that was removed from the ring.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { defaultRealm } from '@sallyport/contract';
import type { Log } from '@sallyport/kit/log';
import type { Sealer } from '@sallyport/kit/seal';
import type { NewKey, StoredKey } from '@sallyport/storage/contracts/keys';
import { heldText, type KeyHolder, openRow, type Standing, signingKeyPlace } from './key-holder.ts';
import { type AsymmetricAlgorithm, assertFits, SigningKeyError } from './private-key.ts';
import { publicJwk, type RingKey } from './public-ring.ts';
import { type Signer, SignerFailure, type SignerKey } from './signer.ts';
import { createSignerCalls, withinTime } from './signers/call-signer.ts';
import type { SigningKey } from './signing-key.ts';

export interface SignerHolderOptions {
  readonly signer: Signer;
  readonly algorithm: AsymmetricAlgorithm;
  readonly sealer: Sealer;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  readonly limits: {
    readonly parallel: number;
    readonly maxWaiting: number;
    readonly timeoutMs: number;
    /** How often it is looked at: another key is known this soon. */
    readonly lookMs: number;
  };
  /** Whether the key was removed from the ring: others may have it. */
  readonly wasRemoved: (kid: string) => Promise<boolean>;
  readonly onSigned?: (seconds: number) => void;
  readonly onFailed?: (failure: SignerFailure) => void;
}

interface HeldKey {
  /** Undefined: another signer's, or the private half lies in the store. */
  readonly reference: string | undefined;
  readonly isOthers: boolean;
}

/** Looks once before it resolves; a signer that cannot be reached then is looked at again, and what is in the ring is published meanwhile. */
export const openSignerHolder = async (options: SignerHolderOptions): Promise<KeyHolder> => {
  const { signer, algorithm, sealer, log, limits } = options;
  const calls = createSignerCalls({
    ...{ signer, algorithm, ...limits },
    onSigned: options.onSigned ?? ignore,
    onFailed: options.onFailed ?? ignore,
  });
  const held = new Map<string, HeldKey>();
  let newest: SignerKey | undefined;
  let gone: ReadonlySet<string> = new Set();
  /** Why it was not to be looked at last time. */
  let problem: string | undefined;

  const look = async (): Promise<void> => {
    const references = [...held.values()].flatMap(({ reference }) => reference ?? []);
    try {
      const view = await withinTime(limits.timeoutMs, (signal) => signer.look(references, signal));
      if (view.newest !== undefined) assertFits(view.newest.publicKey, algorithm, `the key of ${signer.name}`);
      newest = view.newest;
      gone = view.gone;
      if (problem !== undefined) log.info({ signer: signer.name }, 'the signer answers again');
      problem = undefined;
    } catch (err) {
      // Once an outage. What was known goes on: whether it can sign, each signature finds out.
      if (problem === undefined) log.error({ err, signer: signer.name }, 'looking at the signer failed');
      problem = err instanceof Error ? err.message : 'failed';
      if (err instanceof SignerFailure) options.onFailed?.(err);
    }
  };

  let underWay: Promise<void> | undefined;
  const lookOnce = (): Promise<void> => {
    underWay ??= look().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
  await lookOnce();
  const timer = setInterval(() => void lookOnce(), limits.lookMs);
  timer.unref();

  const open = (stored: StoredKey): RingKey => {
    const { key, held: of } = openRow(stored, { algorithm, sealer });
    const isOthers = of !== undefined && of.signer !== signer.name;
    const reference = isOthers ? undefined : of?.reference;
    const signing =
      reference === undefined ? key.signing : remoteKey({ key, reference, publicKey: publicKeyOf(key), calls });
    const opened = { ...key, signing };
    held.set(stored.kid, { reference, isOthers });
    // After a start: what was disabled while nobody looked is not published for long.
    if (reference !== undefined) setTimeout(() => void lookOnce(), 0).unref();
    return opened;
  };

  const standing = (kid: string): Standing => {
    const known = held.get(kid);
    if (known === undefined || known.isOthers) return 'verifies';
    return known.reference !== undefined && gone.has(known.reference) ? 'gone' : 'signs';
  };

  /** In the ring once, and not there any more: somebody has taken it out, and it does not come back by itself. */
  const refused = new Set<string>();
  const mayEnter = async (kid: string): Promise<boolean> => {
    if (refused.has(kid)) return false;
    if (!held.has(kid) && !(await options.wasRemoved(kid))) return true;
    refused.add(kid);
    log.warn(
      { kid, signer: signer.name },
      'the signer offers a key that was taken out of the ring: give it another one',
    );
    return false;
  };

  const candidate: KeyHolder['candidate'] = async (_place, stored) => {
    if (newest === undefined) {
      // At the very first start: there is nothing to go on with.
      if (stored.length === 0)
        throw new SigningKeyError(`JWT_SIGNER (${signer.name})`, problem ?? 'has no key that may sign');
      return undefined;
    }
    const { kid } = publicJwk(newest.publicKey, algorithm);
    if (stored.some((key) => key.kid === kid)) return undefined;
    return (await mayEnter(kid)) ? newHeldKey(newest, { signer, algorithm, sealer }) : undefined;
  };

  return {
    open,
    standing,
    candidate,
    stop: async () => {
      clearInterval(timer);
      await underWay;
      signer.close();
    },
  };
};

const ignore = (): undefined => undefined;

const newHeldKey = (
  { publicKey, reference }: SignerKey,
  { signer, algorithm, sealer }: Pick<SignerHolderOptions, 'signer' | 'algorithm' | 'sealer'>,
): NewKey => {
  const jwk = publicJwk(publicKey, algorithm);
  return {
    kid: jwk.kid,
    realmId: defaultRealm,
    algorithm,
    // For whoever lists the ring; what is believed is what is sealed.
    publicJwk: JSON.stringify({ ...jwk, signer: signer.name }),
    sealedPrivateKey: sealer.seal(heldText(signer.name, reference), signingKeyPlace(jwk.kid)),
  };
};

const publicKeyOf = ({ pem }: RingKey): KeyObject => createPublicKey(pem);

const remoteKey = ({
  key,
  reference,
  publicKey,
  calls,
}: {
  readonly key: RingKey;
  readonly reference: string;
  readonly publicKey: KeyObject;
  readonly calls: ReturnType<typeof createSignerCalls>;
}): SigningKey => ({
  kid: key.jwk.kid,
  algorithm: key.jwk.alg,
  isRemote: true,
  signJws: (input) => calls.sign(reference, publicKey, typeof input === 'string' ? Buffer.from(input) : input),
});

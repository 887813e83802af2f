/**
 * The emergency: a root key that others may have is taken away. Every session whose refresh token it derived ends, and what is sealed under it
 * is sealed anew, so that the key can leave SALLYPORT_ROOT_KEYS at once. Sessions of other root keys stay.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultRealm, type SessionId } from '@sallyport/contract';
import type { NamedKey } from '@sallyport/kit/config';
import type { Sealer } from '@sallyport/kit/seal';
import type { Effects } from '@sallyport/storage/contracts/effects';
import type { RootKeys } from '@sallyport/storage/contracts/root-keys';
import type { Sessions } from '@sallyport/storage/contracts/sessions';
import type { ActContext } from '@sallyport/storage/contracts/store';
import { type Resealed, reseal } from './cleanup/reseal.ts';

/**
 * `first`: nothing was done. Issuers derive with the first key: what ends now would begin again with it, so another key has to come first.
 * `begunMeanwhile`: live sessions of the key that were not there before: an issuer still derives with it.
 */
export type RootKeyRemoval =
  | { readonly kind: 'first' }
  | ({ readonly kind: 'removed'; readonly sessions: number; readonly begunMeanwhile: number } & Resealed);

export interface RemoveRootKeyOptions {
  readonly storage: {
    readonly sessions: Pick<Sessions, 'endSession'>;
    readonly rootKeys: RootKeys;
    readonly effects: Pick<Effects, 'appendEffects'>;
  };
  /** As they stand in SALLYPORT_ROOT_KEYS. The removed one need not be among them, but then nothing can be read that it has sealed. */
  readonly roots: readonly NamedKey[];
  readonly sealer: Sealer;
  readonly context: ActContext;
}

/** A step leaves whoever waits for the store his turn. */
const rowsPerStep = 200;
const pauseMs = 5;

/** Idempotent: where it was interrupted, whoever calls again ends the rest. */
export const removeRootKey = async (
  keyId: number,
  { storage, roots, sealer, context }: RemoveRootKeyOptions,
): Promise<RootKeyRemoval> => {
  if (roots[0]?.kid === String(keyId)) return { kind: 'first' };
  const { sessions, rootKeys, effects } = storage;
  const end = (sessionId: SessionId): Promise<boolean> =>
    // Whatever has rotated to another key since it was found is not the thief's any more.
    sessions.endSession({ sessionId, keyId, cause: 'key_removed', context });
  let ended = 0;
  for await (const found of sessionsOfRoot(rootKeys, keyId)) {
    ended += (await Promise.all(found.map(end))).filter(Boolean).length;
  }
  let begunMeanwhile = 0;
  for await (const found of sessionsOfRoot(rootKeys, keyId)) begunMeanwhile += found.length;
  const resealed = await reseal({ rootKeys, sealer, kids: roots.map(({ kid }) => kid) });
  const data = { kid: String(keyId), sessions: ended };
  await effects.appendEffects([{ act: 'root_key.removed', realmId: defaultRealm, data, context }]);
  return { kind: 'removed', sessions: ended, begunMeanwhile, ...resealed };
};

async function* sessionsOfRoot(rootKeys: RootKeys, keyId: number) {
  for (let after: string | undefined; ; ) {
    const page = await rootKeys.readSessionsOfRoot({
      ...{ keyId, limit: rowsPerStep },
      ...(after !== undefined && { after }),
    });
    yield page.sessionIds;
    after = page.last;
    if (after === undefined) return;
    await sleep(pauseMs);
  }
}

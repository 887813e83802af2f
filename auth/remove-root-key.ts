/**
 * The emergency: a root key that others may have is taken away. Every session whose refresh token it derived ends, and what is sealed under it
 * is sealed anew, so that the key can leave SALLYPORT_ROOT_KEYS at once. Sessions of other root keys stay.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultRealm, type SessionId } from '@sallyport/contract';
import type { Effects } from '@sallyport/storage/contracts/effects';
import type { RootKeys } from '@sallyport/storage/contracts/root-keys';
import type { Sessions } from '@sallyport/storage/contracts/sessions';
import type { ActContext } from '@sallyport/storage/contracts/store';

/**
 * `first`: nothing was done. Issuers derive with the first key: what ends now would begin again with it, so another key has to come first.
 * `begunMeanwhile`: live sessions of the key that were not there before: an issuer still derives with it.
 */
export type RootKeyRemoval =
  | { readonly kind: 'first' }
  | {
      readonly kind: 'removed';
      readonly sessions: number;
      readonly begunMeanwhile: number;
      /** Values that are sealed under the first root key now. */
      readonly resealed: number;
      /** Values that no key in SALLYPORT_ROOT_KEYS opens. */
      readonly unopened: number;
    };

export interface RemoveRootKeyOptions {
  readonly storage: {
    readonly sessions: Pick<Sessions, 'endSession'>;
    readonly rootKeys: RootKeys;
    readonly effects: Pick<Effects, 'appendEffects'>;
  };
  /** Id of the first in SALLYPORT_ROOT_KEYS. The removed one need not be in the list, but then nothing can be read that it has sealed. */
  readonly first: string | undefined;
  /** Seals under the first key what is sealed under another. */
  readonly reseal: () => Promise<{ readonly resealed: number; readonly unopened: number }>;
  readonly context: ActContext;
}

/** A step leaves whoever waits for the store his turn. */
const rowsPerStep = 200;
const pauseMs = 5;

/** Idempotent: where it was interrupted, whoever calls again ends the rest. */
export const removeRootKey = async (
  keyId: number,
  { storage, first, reseal, context }: RemoveRootKeyOptions,
): Promise<RootKeyRemoval> => {
  if (first === String(keyId)) return { kind: 'first' };
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
  const sealed = await reseal();
  const data = { kid: String(keyId), sessions: ended };
  await effects.appendEffects([{ act: 'root_key.removed', realmId: defaultRealm, data, context }]);
  return { kind: 'removed', sessions: ended, begunMeanwhile, ...sealed };
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

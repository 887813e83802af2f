/** Copying a store into another one on the host, with every issuer stopped. */
import { readFileSync } from 'node:fs';
import { defineSettings, loadSettings, type SettingProblem, SettingsError } from '@sallyport/kit/config';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import { transfers } from '@sallyport/storage';
import type { Transfer } from '@sallyport/storage/contracts/transfer';
import { parseTarget } from '@sallyport/storage/postgres/target';
import {
  type CopyProgress,
  CopyRefused,
  type CopyReport,
  copyStore as copyRows,
  moveSessions,
  openSealedSamples,
} from '@sallyport/storage/transfer';
import { authSettings } from './config.ts';
import { databaseProblem, databaseSettings, isPostgres } from './settings/database.ts';
import { signingKeyPlace } from './tokens/key-holder.ts';

export { type CopyProgress, CopyRefused, type CopyReport } from '@sallyport/storage/transfer';

export interface StoreCopy {
  /** As in DATABASE_URL. */
  readonly from: string;
  /** Undefined: everything but sessions stays where it is. */
  readonly to?: string;
  /** Redis. Undefined: sessions go where everything goes. */
  readonly sessionsTo?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  onProgress(progress: CopyProgress): void;
}

export interface MovedSessions {
  readonly tables: { readonly sessions: number };
}

/** What both stores have in common; the rest of an issuer's settings is of no consequence here. */
const copySettings = defineSettings({
  rootKeys: authSettings.rootKeys,
  databasePassword: databaseSettings.databasePassword,
  databaseSchema: databaseSettings.databaseSchema,
  databaseCaPath: databaseSettings.databaseCaPath,
});
const copyNames = /^(SALLYPORT_ROOT_KEYS|DB_PASSWORD|DATABASE_SCHEMA|DATABASE_CA_PATH)(_FILE)?$/;

/**
 * Everything that decides is copied; what is sealed stays sealed, and positions of the revocation feed begin a new history. Without
 * `to` sessions alone are copied, to where `sessionsTo` says.
 * @throws SettingsError, or CopyRefused with a reason that may be shown
 */
export const copyStore = async (copy: StoreCopy): Promise<CopyReport | MovedSessions> => {
  const problems = problemsOf(copy);
  if (problems.length > 0) throw new SettingsError(problems);
  const own = Object.fromEntries(Object.entries(copy.env).filter(([name]) => copyNames.test(name)));
  const { settings } = loadSettings(copySettings, { env: own });
  const opened: (() => unknown)[] = [];
  const open = async <T extends { close(): unknown }>(option: string, way: () => Promise<T>): Promise<T> => {
    const store = await named(option, way);
    opened.push(store.close);
    return store;
  };
  try {
    const { from, to, sessionsTo, onProgress } = copy;
    const source = await open('--from', () => openTransfer(from, false, settings));
    await refuseOtherKeys(source, settings.rootKeys);
    const sessions =
      sessionsTo === undefined
        ? undefined
        : await open('--sessions-to', () => transfers.redis({ url: sessionsTo, random: systemRandom }));
    if (to !== undefined) {
      const target = await open('--to', () => openTransfer(to, true, settings));
      return await copyRows({ source, target, ...(sessions && { sessions }), random: systemRandom, onProgress });
    }
    if (sessions === undefined) throw new TypeError('copyStore: a place to copy to is missing');
    return { tables: { sessions: await moveSessions({ source, sessions, onProgress }) } };
  } finally {
    for (const close of opened.reverse()) await close();
  }
};

const problemsOf = ({ from, to, sessionsTo }: StoreCopy): readonly SettingProblem[] => {
  const stores = { '--from': from, ...(to !== undefined && { '--to': to }) };
  const found: SettingProblem[] = Object.entries(stores).flatMap(([setting, url]) => {
    const problem = databaseProblem(url);
    return problem === undefined ? [] : [{ setting, problem }];
  });
  if (from === to) found.push({ setting: '--to', problem: 'is the same store as --from' });
  if (to === undefined && sessionsTo === undefined)
    found.push({ setting: '--to', problem: 'is missing, and so is --sessions-to: give one of them, or both' });
  if (sessionsTo !== undefined && !/^rediss?:\/\/\S+$/.test(sessionsTo))
    found.push({ setting: '--sessions-to', problem: 'must begin with redis:// or rediss://' });
  return found;
};

const refuseOtherKeys = async (source: Transfer, keys: Parameters<typeof createSealer>[0]['keys']): Promise<void> => {
  const sealer = createSealer({ keys, random: systemRandom });
  const { opened, refused } = await openSealedSamples(source, sealer, signingKeyPlace);
  // Some may be left of a key that was retired long ago; where none opens, these are other keys.
  if (opened > 0 || refused === 0) return;
  throw new CopyRefused(
    'SALLYPORT_ROOT_KEYS opens nothing of what is sealed in the source: give the keys of its issuers',
  );
};

const named = async <T>(option: string, open: () => Promise<T>): Promise<T> => {
  try {
    return await open();
  } catch (error) {
    throw new CopyRefused(`${option}: ${error instanceof Error ? error.message : 'cannot be opened'}`);
  }
};

interface Way {
  readonly databasePassword: string | undefined;
  readonly databaseSchema: string;
  readonly databaseCaPath: string | undefined;
}

const openTransfer = (url: string, create: boolean, way: Way): Promise<Transfer> => {
  if (!isPostgres(url)) return transfers.sqlite({ file: url.slice('sqlite:'.length), create });
  const ownTarget = parseTarget(url);
  const target = ownTarget.password === undefined ? parseTarget(url, way.databasePassword) : ownTarget;
  const { databaseCaPath: path, databaseSchema: schema } = way;
  const ca = path === undefined ? {} : { ca: readFileSync(path, 'utf8') };
  return transfers.postgres({ target, ...ca, schema, create, random: systemRandom });
};

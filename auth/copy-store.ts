/** Copying a store into another one on the host, with every issuer stopped. */
import { readFileSync } from 'node:fs';
import { defineSettings, loadSettings, SettingsError } from '@sallyport/kit/config';
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
  openSealedSamples,
} from '@sallyport/storage/transfer';
import { authSettings } from './config.ts';
import { databaseProblem, databaseSettings, isPostgres } from './settings/database.ts';
import { signingKeyPlace } from './tokens/key-ring.ts';

export { type CopyProgress, CopyRefused, type CopyReport } from '@sallyport/storage/transfer';

export interface StoreCopy {
  /** As in DATABASE_URL. */
  readonly from: string;
  readonly to: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  onProgress(progress: CopyProgress): void;
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
 * Everything that decides is copied; what is sealed stays sealed, and positions of the revocation feed begin a new history.
 * @throws SettingsError, or CopyRefused with a reason that may be shown
 */
export const copyStore = async ({ from, to, env, onProgress }: StoreCopy): Promise<CopyReport> => {
  const problems = Object.entries({ '--from': from, '--to': to }).flatMap(([setting, url]) => {
    const problem = databaseProblem(url);
    return problem === undefined ? [] : [{ setting, problem }];
  });
  if (problems.length > 0) throw new SettingsError(problems);
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => copyNames.test(name)));
  const { settings } = loadSettings(copySettings, { env: own });
  const open = (url: string, create: boolean): Promise<Transfer> => openTransfer(url, create, settings);
  const source = await named('--from', () => open(from, false));
  try {
    const { opened, refused } = await openSealedSamples(
      source,
      createSealer({ keys: settings.rootKeys, random: systemRandom }),
      signingKeyPlace,
    );
    // Some may be left of a key that was retired long ago; where none opens, these are other keys.
    if (opened === 0 && refused > 0)
      throw new CopyRefused(
        'SALLYPORT_ROOT_KEYS opens nothing of what is sealed in the source: give the keys of its issuers',
      );
    const target = await named('--to', () => open(to, true));
    try {
      return await copyRows({ source, target, random: systemRandom, onProgress });
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
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

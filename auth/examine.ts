/**
 * What is wrong with an issuer's settings, store, Redis, keys and clock, found from beside it. It changes nothing that a start would not:
 * no store is made, and no migration is run on one that is not there.
 */
import { existsSync } from 'node:fs';
import { defaultRealm, type SessionId } from '@sallyport/contract';
import { type LoadedSettings, SettingsError } from '@sallyport/kit/config';
import { type Finding, findingsOn, settingFaults } from '@sallyport/kit/finding';
import { systemRandom } from '@sallyport/kit/random';
import { certificateFindings } from '@sallyport/kit/tls-finding';
import type { Storage } from '@sallyport/storage/contracts/storage';
import type { AuthSettings, authSettings } from './config.ts';
import { examineAdmin } from './examine-admin.ts';
import { loadAuthSettings } from './load-settings.ts';
import { refuseWithoutRedis, withRedis } from './open-redis.ts';
import { type OpenedStore, openStore, sqliteFile } from './open-store.ts';
import { postgresTargets } from './settings/database.ts';
import { privateTlsFiles, publicTlsFiles } from './settings/tls.ts';
import { openRow, publishForMs, signingKeyPlace } from './tokens/key-holder.ts';
import { openKeyRing } from './tokens/key-ring.ts';
import { trySigner } from './tokens/try-signer.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'unknown failure');

/** Findings in the order in which they are best mended; those that build on a fault are left out. */
export const examineIssuer = async (env: Environment): Promise<readonly Finding[]> => {
  const settings = examineSettings(env);
  if (settings.loaded === undefined) return settings.findings;
  const { settings: read } = settings.loaded;
  const certificates = [publicTlsFiles, privateTlsFiles].flatMap((of) => certificateFindings('issuer', of(read)));
  const first = [...settings.findings, ...certificates];
  const about = findingsOn('issuer: store');
  if (postgresTargets(read) === undefined && !existsSync(sqliteFile(read))) {
    const found = about.ok(`${sqliteFile(read)} is not there yet: the issuer makes it at its first start`);
    return [...first, found, ...(await examineKeys(read, undefined)), ...(await examineAdmin(read))];
  }
  const store = await examineStore(read);
  return [...first, ...store, ...(await examineAdmin(read))];
};

const examineSettings = (
  env: Environment,
): { readonly loaded?: LoadedSettings<typeof authSettings>; readonly findings: readonly Finding[] } => {
  const about = findingsOn('issuer: settings');
  try {
    const loaded = loadAuthSettings({ env });
    const warnings = loaded.warnings.map((warning) => about.warning(warning, 'Meant for tests and first steps only.'));
    return { loaded, findings: warnings.length > 0 ? warnings : [about.ok('complete')] };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return { findings: settingFaults('issuer: settings', error) };
  }
};

const examineStore = async (settings: AuthSettings): Promise<readonly Finding[]> => {
  const about = findingsOn('issuer: store');
  let sql: OpenedStore;
  try {
    sql = await openStore(settings, systemRandom);
  } catch (error) {
    const isKey =
      error instanceof SettingsError && error.problems.some(({ setting }) => setting === 'SALLYPORT_ROOT_KEYS');
    const mend = isKey
      ? 'Give back the root keys of before: they are in the secrets of whoever started the store first, or in its backup.'
      : 'Is the database up, and does DATABASE_URL name it, its user and password? docs/guides/postgresql.md has the rights it needs.';
    return [about.fault(messageOf(error), mend)];
  }
  const opened = about.ok(
    postgresTargets(settings) === undefined
      ? `SQLite in ${sqliteFile(settings)}`
      : 'PostgreSQL answers, its schema is up to date',
  );
  const doubts =
    sql.warning === undefined ? [] : [about.warning(sql.warning, 'Add the keys of before behind the first one.')];
  try {
    const { storage, findings } = await examineRedis(settings, sql);
    if (storage === undefined) return [opened, ...doubts, ...findings];
    const clock = await examineClock(settings, storage);
    const keys = await examineKeys(settings, { ...sql, storage });
    return [opened, ...doubts, ...findings, ...clock, ...keys];
  } finally {
    await sql.storage.close().catch(() => undefined);
  }
};

const examineRedis = async (
  settings: AuthSettings,
  sql: OpenedStore,
): Promise<{ readonly storage?: Storage; readonly findings: readonly Finding[] }> => {
  const about = findingsOn('issuer: Redis');
  try {
    const { storage, redis } = await withRedis({ settings, sql, random: systemRandom });
    const isNamed = settings.redisUrl !== undefined || settings.redisAddr !== undefined;
    if (!isNamed) await refuseWithoutRedis(storage);
    return { storage, findings: redis === undefined ? [] : [about.ok('answers, and evicts nothing')] };
  } catch (error) {
    const mend =
      'Is it up, does REDIS_URL name it and its password, and is its maxmemory-policy noeviction? docs/guides/redis.md tells the rest.';
    return { findings: [about.fault(messageOf(error), mend)] };
  }
};

/** The store's clock is asked where it has one of its own; tokens and time windows are judged by that of the process. */
const examineClock = async (settings: AuthSettings, { sessions }: Storage): Promise<readonly Finding[]> => {
  const about = findingsOn('issuer: clock');
  const { nowMs } = await sessions.findSession(systemRandom.uuidv7(Date.now()) as SessionId);
  const apartSeconds = (Date.now() + settings.clockOffsetSeconds * 1000 - nowMs) / 1000;
  const told = `${Math.abs(apartSeconds).toFixed(1)} s ${apartSeconds < 0 ? 'behind' : 'ahead of'} that of the store`;
  const mend = 'Let both machines keep time by NTP.';
  if (Math.abs(apartSeconds) > settings.clockLeewaySeconds)
    return [about.fault(`${told}: more than CLOCK_LEEWAY_SECONDS (${settings.clockLeewaySeconds})`, mend)];
  return [Math.abs(apartSeconds) > settings.clockLeewaySeconds / 2 ? about.warning(told, mend) : about.ok(told)];
};

const isOwnersKey = ({
  jwtAlgorithm,
  jwtSigner,
  jwtPrivateKey,
  jwtPrivateKeyPath,
  defaultPrivateKeyPath,
}: AuthSettings): boolean =>
  jwtAlgorithm === 'HS256' ||
  (jwtSigner === 'store' && (jwtPrivateKey ?? jwtPrivateKeyPath ?? defaultPrivateKeyPath) !== undefined);

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
/** A ring that should have turned an hour ago, and has not, has nobody who looks after it. */
const lateMs = 3_600_000;

/** @param store undefined: it is not there yet */
const examineKeys = async (settings: AuthSettings, store: OpenedStore | undefined): Promise<readonly Finding[]> => {
  const about = findingsOn('issuer: keys');
  const mend = 'docs/guides/signing-keys.md tells where keys come from.';
  if (isOwnersKey(settings)) {
    try {
      // The ring in the store is not asked for a key of the owner, so there is nothing to change in it.
      const nowhere = { keys: store?.storage.keys, sealer: store?.sealer } as OpenedStore['storage'] & OpenedStore;
      const parts = { ...nowhere, clock: { nowMs: Date.now }, log: silent, wasRemoved: async () => false };
      const ring = await openKeyRing({ settings, ...parts });
      await ring.stop();
      return [about.ok(`${settings.jwtAlgorithm}, a key of yours: it is rotated by you`)];
    } catch (error) {
      return [about.fault(messageOf(error), mend)];
    }
  }
  const signer = settings.jwtSigner === 'store' ? [] : await examineSigner(settings, store);
  if (store === undefined)
    return [...signer, about.ok(`${settings.jwtAlgorithm}, a ring that is made at the first start`)];
  const ring = await store.storage.keys.listKeys(defaultRealm, settings.jwtAlgorithm);
  const shut = ring.filter(({ kid, sealedPrivateKey }) => !opens(store, sealedPrivateKey, kid));
  if (shut.length > 0) {
    const found = `${shut.length} of ${ring.length} keys of the ring cannot be opened with SALLYPORT_ROOT_KEYS`;
    return [
      ...signer,
      about.fault(found, 'Add the root key that sealed them behind the first one, or `sallyport keys remove` them.'),
    ];
  }
  const [current] = ring;
  if (current?.state !== 'current')
    return [...signer, about.ok(`no ${settings.jwtAlgorithm} key yet: the issuer makes one`)];
  const dueMs = current.signsFromMs + settings.keyRotationSeconds * 1000 + publishForMs(settings) + lateMs;
  if (settings.jwtSigner === 'store' && settings.keyRotationSeconds > 0 && Date.now() > dueMs) {
    const found = `${current.kid} should have given way on ${new Date(dueMs).toISOString()}`;
    return [about.warning(found, 'No issuer with this store has run since: start one, and the ring turns.')];
  }
  return [...signer, about.ok(`${settings.jwtAlgorithm}, ${ring.length} in the ring, ${current.kid} signs`)];
};

/** Asks it for a signature, and what has become of those keys of the ring that are its own. */
const examineSigner = async (settings: AuthSettings, store: OpenedStore | undefined): Promise<readonly Finding[]> => {
  const about = findingsOn(`issuer: ${settings.jwtSigner}`);
  const algorithm = settings.jwtAlgorithm;
  if (algorithm === 'HS256') return [];
  const stored = (await store?.storage.keys.listKeys(defaultRealm, algorithm)) ?? [];
  const held = stored.flatMap((row) => {
    if (store === undefined || !opens(store, row.sealedPrivateKey, row.kid)) return [];
    const of = openRow(row, { algorithm, sealer: store.sealer }).held;
    return of?.signer === settings.jwtSigner ? [{ kid: row.kid, reference: of.reference }] : [];
  });
  try {
    const { kid, gone } = await trySigner(
      settings,
      algorithm,
      held.map(({ reference }) => reference),
    );
    const lost = held.filter(({ reference }) => gone.has(reference)).map((key) => key.kid);
    const doubts = lost.map((each) =>
      about.warning(`${each} is deleted or disabled there: it is not published`, goneMend),
    );
    return [about.ok(`signs as ${kid}`), ...doubts];
  } catch (error) {
    const mend =
      'Is it up, and may the issuer read this key and sign with it? docs/guides/signers.md has the rights it needs.';
    return [about.fault(messageOf(error), mend)];
  }
};

const goneMend =
  'Enable it again where that was a mistake. Where it was not: its tokens are refused, and clients refresh.';

const opens = ({ sealer }: OpenedStore, sealed: string, kid: string): boolean => {
  try {
    sealer.open(sealed, signingKeyPlace(kid));
    return true;
  } catch {
    return false;
  }
};

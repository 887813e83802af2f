/** A database of the audit trail's own, by AUDIT_DATABASE_URL. It is opened when it is needed: one that is away stops nobody from starting. */
import { readFileSync } from 'node:fs';
import { SettingsError } from '@sallyport/kit/config';
import type { Random } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import { drivers } from '@sallyport/storage';
import type { Audit } from '@sallyport/storage/contracts/audit';
import type { Storage } from '@sallyport/storage/contracts/storage';
import { StoreUnavailable } from '@sallyport/storage/contracts/store';
import { parseTarget } from '@sallyport/storage/postgres/target';
import type { AuthSettings } from './config.ts';
import { isPostgres } from './settings/database.ts';

export interface AuditStore {
  readonly audit: Audit;
  close(): Promise<void>;
}

/** Undefined: the trail is kept in the store of the acts. @throws SettingsError where it answers and may not be used */
export const openAuditStore = async (settings: AuthSettings, random: Random): Promise<AuditStore | undefined> => {
  const { auditDatabaseUrl: url, auditDatabaseCaPath: caPath } = settings;
  if (url === undefined) return undefined;
  const ca = caPath === undefined ? {} : { ca: readCa(caPath) };
  return isPostgres(url) ? openInPostgres(url, ca, settings, random) : openInMySql(url, ca, settings);
};

interface Authority {
  readonly ca?: string;
}

const openInMySql = async (url: string, ca: Authority, settings: AuthSettings): Promise<AuditStore> => {
  // Whoever has no MySQL does not load what speaks to one.
  const { openMySqlAudit, MySqlRefused, parseMySqlTarget } = await import('@sallyport/storage/mysql');
  const opened = openMySqlAudit({ target: parseMySqlTarget(url), ...ca, migrate: settings.auditDatabaseMigrate });
  try {
    await opened.prepare();
  } catch (error) {
    if (error instanceof MySqlRefused) {
      await opened.close();
      throw refused(`it ${error.message}`);
    }
    if (!(error instanceof StoreUnavailable)) throw error;
  }
  return opened;
};

/** Beside what a verb needs, one for what takes longer. */
const connections = 2;

/** A schema as that of any store, of which the tables of the audit alone are used. */
const openInPostgres = async (
  url: string,
  ca: Authority,
  settings: AuthSettings,
  random: Random,
): Promise<AuditStore> => {
  const sealer = createSealer({ keys: settings.rootKeys, random });
  const schema = settings.databaseSchema;
  const target = parseTarget(url);
  const open = () =>
    drivers.postgres({ target, ...ca, schema, poolSize: connections, sealer, random, revocationLifetimeMs: 1 });
  let opening: Promise<Storage> | undefined;
  const ready = (): Promise<Storage> => {
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      throw new StoreUnavailable(error);
    });
    return opening;
  };
  try {
    await ready();
  } catch (error) {
    const reason = error instanceof StoreUnavailable && error.cause instanceof Error ? error.cause.message : 'unknown';
    if (!/^no (connection|answer)/.test(reason)) throw refused(reason);
  }
  return { audit: whenReady(async () => (await ready()).audit), close: async () => (await opening)?.close() };
};

const whenReady = (ready: () => Promise<Audit>): Audit => ({
  appendAudit: async (records) => (await ready()).appendAudit(records),
  listAudit: async (filter) => (await ready()).listAudit(filter),
  readUnsealed: async (limit) => (await ready()).readUnsealed(limit),
  readChainHead: async () => (await ready()).readChainHead(),
  sealAudit: async (expected, records) => (await ready()).sealAudit(expected, records),
  readSealed: async (afterPlace, limit) => (await ready()).readSealed(afterPlace, limit),
  leaseSealing: async (input) => (await ready()).leaseSealing(input),
  appendCheckpoint: async (checkpoint) => (await ready()).appendCheckpoint(checkpoint),
  listCheckpoints: async (input) => (await ready()).listCheckpoints(input),
  findCut: async (input) => (await ready()).findCut(input),
  cutAudit: async (checkpoint) => (await ready()).cutAudit(checkpoint),
});

const refused = (problem: string): SettingsError =>
  new SettingsError([{ setting: 'AUDIT_DATABASE_URL', problem: `cannot be used: ${problem}` }]);

const readCa = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new SettingsError([{ setting: 'AUDIT_DATABASE_CA_PATH', problem: 'names a file that cannot be read' }]);
  }
};

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMaintenance } from '@sallyport/auth/maintenance';
import { type ChildServer, type FailedStart, type Settings, startRefused, startServer } from './child-server.ts';
import { type Database, newDatabase } from './database.ts';

/** A data folder with secrets of its own, which any number of issuers may serve one after the other. */
export interface IssuerFolder {
  readonly path: string;
  readonly database: Database;
  readonly settings: Settings;
}

export interface Issuer extends ChildServer {
  readonly folder: IssuerFolder;
  /** Stops the server and removes its folder. */
  remove(): Promise<void>;
}

const entry = import.meta.resolve('@sallyport/auth/main');
const newKey = (): string => randomBytes(32).toString('base64url');

/** bcrypt at the cheapest cost that is served: most tests are about something else. */
const quickSettings = {
  LOGIN_LIMIT_PER_MINUTE: '0',
  LOCKOUT: 'off',
  // All of them come from one address.
  REGISTRATION_LIMIT_PER_HOUR: '0',
  BCRYPT_COST: '10',
  // At a time of the test's own choosing.
  CLEANUP_INTERVAL_SECONDS: '0',
  AUTH_PORT: '0',
  AUTH_PRIVATE_PORT: '0',
};

export const issuerFolder = (): IssuerFolder => {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-tests-'));
  const database = newDatabase(path);
  const settings = {
    ...database.settings,
    SALLYPORT_PRESET: 'microservices',
    SALLYPORT_DATA_DIR: path,
    SALLYPORT_ROOT_KEYS: `1:${newKey()}`,
    CSRF_KEYS: `1:${newKey()}`,
    JWT_SECRET: newKey(),
  };
  return { path, database, settings };
};

/** Starts an issuer with the preset `microservices`; `settings` stand above everything else. `main`: a sabotaged copy's URL. */
export const startIssuer = async (
  settings: Settings = {},
  folder: IssuerFolder = issuerFolder(),
  main = entry,
): Promise<Issuer> => {
  const server = await startServer(main, { ...quickSettings, ...folder.settings, ...settings }, folder.path);
  return {
    ...server,
    folder,
    remove: async () => {
      await server.stop();
      rmSync(folder.path, { recursive: true, force: true });
    },
  };
};

/** Starts an issuer with exactly these settings in a folder that is gone afterwards. */
export const refusedIssuer = async (settings: Settings): Promise<FailedStart> => {
  const folder = issuerFolder();
  try {
    return await startRefused(entry, { SALLYPORT_DATA_DIR: folder.path, ...settings }, folder.path);
  } finally {
    rmSync(folder.path, { recursive: true, force: true });
  }
};

/** What an operator does on the host while the server runs. */
export const setDisabled = async ({ settings }: IssuerFolder, email: string, disabled: boolean): Promise<void> => {
  const maintenance = await openMaintenance(settings);
  try {
    if ((await maintenance.setDisabled(email, disabled)) === undefined) throw new Error(`no account ${email}`);
  } finally {
    await maintenance.close();
  }
};

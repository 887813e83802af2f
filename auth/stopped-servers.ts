import { systemRandom } from '@sallyport/kit/random';
import { transfers } from '@sallyport/storage';
import { loadAuthSettings } from './load-settings.ts';
import { readCa, sqliteFile } from './open-store.ts';
import { postgresTargets } from './settings/database.ts';

/**
 * Takes the store that the settings name for itself, as a copy does, and gives it back: for acts that a running server would undo.
 * @throws SettingsError; Error with a reason that may be shown where a server works on the store, wherever it runs
 */
export const requireStoppedServers = async (env: Readonly<Record<string, string | undefined>>): Promise<void> => {
  const { settings } = loadAuthSettings({ env });
  const targets = postgresTargets(settings);
  if (targets === undefined) {
    const file = await transfers.sqlite({ file: sqliteFile(settings), create: false });
    return file.close();
  }
  const { databaseSchema: schema, databaseCaPath: caPath } = settings;
  const schemaAlone = await transfers.postgres({
    // The lock belongs to a connection: a pooler in between would hand it to somebody else.
    target: targets.listenTarget ?? targets.target,
    ...(caPath !== undefined && { ca: readCa(caPath) }),
    schema,
    create: false,
    random: systemRandom,
  });
  await schemaAlone.close();
};

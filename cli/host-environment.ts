import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gatewayPresets } from '@sallyport/gateway/maintenance';
import { type Environment, namesDatabase } from './environment.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { readFolder } from './up/data-folder.ts';
import { readPlan } from './up/plan.ts';
import { settingOfFile } from './up/secrets.ts';

const secretName = /^[A-Z][A-Z0-9_]*$/;

/**
 * What a command on the host works with: what was given, and below it what `sallyport up` has made in the data folder, its
 * secrets (as `_FILE` paths) and its preset. So `sallyport users` speaks of the accounts that `npm start` serves.
 */
export const hostEnvironment = (env: Environment): Environment => {
  const path = env['SALLYPORT_DATA_DIR'] ?? 'data';
  const folder = readFolder(path);
  if (folder === undefined) return env;
  const secrets = readdirSync(join(path, 'secrets')).filter((name) => secretName.test(name) && !(name in env));
  const files = secrets.map((name) => [settingOfFile(name), join(path, 'secrets', name)]);
  return Object.freeze({ SALLYPORT_PRESET: folder.preset, ...Object.fromEntries(files), ...env });
};

/**
 * The same with what one server of the folder's preset has for itself alone, which `sallyport up` derives at each start: `api-gateway`'s
 * token at the feed. `entry`: the module that runs it.
 */
export const serverEnvironment = (env: Environment, entry: string): Environment => {
  const host = hostEnvironment(env);
  const path = env['SALLYPORT_DATA_DIR'] ?? 'data';
  const preset = readFolder(path)?.preset;
  const server = preset === undefined ? undefined : readPlan(preset).servers.find((each) => each.entry === entry);
  if (server === undefined) return host;
  const prefix = `${server.name}.`;
  const own = readdirSync(join(path, 'secrets'))
    .filter((file) => file.startsWith(prefix))
    .map((file) => ({ name: file.slice(prefix.length), file: join(path, 'secrets', file) }))
    .filter(({ name }) => secretName.test(name) && !(name in env));
  return Object.freeze({ ...Object.fromEntries(own.map(({ name, file }) => [settingOfFile(name), file])), ...host });
};

/**
 * The folder's servers were last started on a database that the settings named: without its name a command would speak of other accounts.
 * @throws CommandError that says what to do
 */
export const requireStoreOfFolder = (env: Environment): void => {
  const path = env['SALLYPORT_DATA_DIR'] ?? 'data';
  if (readFolder(path)?.store !== 'named' || namesDatabase(env)) return;
  throw new CommandError(
    `${path} was last started with DATABASE_URL: give this command the same settings, or put them into .env.`,
    exitCodes.settings,
  );
};

/** Settings are missing where the data folder is not the one of `npm start`, or another folder is the working one: then it says so. */
export const withFolderHint = (error: unknown, env: Environment): unknown => {
  const path = env['SALLYPORT_DATA_DIR'] ?? 'data';
  if (!(error instanceof Error) || error.name !== 'SettingsError' || readFolder(path) !== undefined) return error;
  return new CommandError(
    `${error.message}\nNo server was ever started on the data folder ${resolve(path)}: is SALLYPORT_DATA_DIR that of \`npm start\`?`,
    exitCodes.settings,
  );
};

/** What `npm start` serves where nothing says otherwise. */
const defaultPreset = 'microservices';

/**
 * The same for commands about the gateway. A data folder may be that of a preset without one, or not be there yet: then they speak of
 * the default preset, as `npm start` does.
 */
export const gatewayEnvironment = (env: Environment): Environment => {
  if ('SALLYPORT_PRESET' in env) return hostEnvironment(env);
  const host = hostEnvironment(env);
  const known = host['SALLYPORT_PRESET'] !== undefined && Object.hasOwn(gatewayPresets, host['SALLYPORT_PRESET']);
  return known ? host : Object.freeze({ ...host, SALLYPORT_PRESET: defaultPreset });
};

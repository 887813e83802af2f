import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from './environment.ts';
import { readFolder } from './up/data-folder.ts';

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
  const files = secrets.map((name) => [`${name}_FILE`, join(path, 'secrets', name)]);
  return Object.freeze({ SALLYPORT_PRESET: folder.preset, ...Object.fromEntries(files), ...env });
};

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { assertionKeysText, gatewayKeySettings } from '@sallyport/gateway/maintenance';
import type { Environment } from '../environment.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import type { Plan, PlannedSecret } from './plan.ts';
import { keepSecret, writeSecret } from './secret-file.ts';

/** Every name that may carry the secret in an environment. */
export const namesOfSecret = ({ name, aliases = [] }: PlannedSecret): readonly string[] =>
  [name, ...aliases].flatMap((spelling) => [spelling, `${spelling}_FILE`]);

/** Server -> the `_FILE` settings that it gets beside what was given. */
export type SecretFiles = ReadonlyMap<string, Environment>;

export interface SecretsInput {
  readonly plan: Plan;
  /** Names of the servers that are started here. */
  readonly started: ReadonlySet<string>;
  readonly env: Environment;
  /** The folder `secrets`. */
  readonly folder: string;
}

/**
 * Makes what was not given and not made before, and says who gets which file. What was given wins, and goes to the holders
 * as it was given.
 */
export const prepareSecrets = (input: SecretsInput): SecretFiles => {
  const { plan, started, env, folder } = input;
  const files = new Map<string, Record<string, string>>();
  const hand = (server: string, name: string, file: string): void => {
    files.set(server, { ...files.get(server), [`${name}_FILE`]: file });
  };
  for (const secret of plan.secrets.filter((each) => isMadeHere(each, env, started))) {
    const file = join(folder, secret.name);
    keepSecret(file, () => makers[secret.form === 'keys' ? 'keys' : 'text']());
    for (const holder of secret.holders) hand(holder, secret.name, file);
  }
  for (const { name, holders } of plan.secrets.filter(({ form }) => form === 'derived')) {
    for (const holder of holders.filter((server) => started.has(server))) {
      const file = join(folder, `${holder}.${name}`);
      writeSecret(file, deriveAssertionKeys(holder, env, files));
      hand(holder, name, file);
    }
  }
  return files;
};

/** A server's own keys cannot stand in an environment that all share. @throws CommandError */
export const refuseDerived = ({ secrets }: Plan, env: Environment): void => {
  const given = secrets
    .filter(({ form }) => form === 'derived')
    .flatMap(namesOfSecret)
    .find((name) => name in env);
  if (given === undefined) return;
  const message = `${given} is one service's own: all of them are derived from GATEWAY_MASTER_KEYS here; remove it`;
  throw new CommandError(message, exitCodes.settings);
};

const makers = {
  keys: () => `1:${randomBytes(32).toString('base64url')}`,
  text: () => randomBytes(32).toString('base64url'),
} as const;

const isMadeHere = (secret: PlannedSecret, env: Environment, started: ReadonlySet<string>): boolean => {
  if (secret.form !== 'keys' && secret.form !== 'text') return false;
  if (namesOfSecret(secret).some((name) => name in env)) return false;
  return secret.from === undefined || started.has(secret.from);
};

/** The gateway reads its masters as it will when it runs, from the environment or from the file just made. */
const deriveAssertionKeys = (service: string, env: Environment, files: ReadonlyMap<string, Environment>): string => {
  const masters = Object.assign({}, ...files.values(), env) as Environment;
  const names = ['GATEWAY_MASTER_KEYS', 'GATEWAY_MASTER_KEYS_FILE'];
  const own = Object.fromEntries(names.flatMap((name) => (masters[name] === undefined ? [] : [[name, masters[name]]])));
  const { masterKeys } = gatewayKeySettings({ env: own });
  return assertionKeysText(service, masterKeys ?? []);
};

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { feedTokenOf } from '@sallyport/auth/maintenance';
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
  for (const secret of plan.secrets) {
    const make = makerOf(secret, env, started);
    if (make === undefined) continue;
    const file = join(folder, secret.name);
    keepSecret(file, make);
    for (const holder of secret.holders) hand(holder, secret.name, file);
  }
  for (const secret of plan.secrets.filter((each) => isOwn(each) && isDerivedHere(each, env, started))) {
    for (const holder of secret.holders.filter((server) => started.has(server))) {
      const file = join(folder, `${holder}.${secret.name}`);
      writeSecret(file, derivers[secret.form === 'feed' ? 'feed' : 'derived'](holder, env, files));
      hand(holder, secret.name, file);
    }
  }
  for (const { holders, otherwise } of plan.secrets.filter((secret) => isMissing(secret, env, started))) {
    const fallback = Object.fromEntries(Object.entries(otherwise ?? {}).filter(([name]) => !(name in env)));
    for (const holder of holders) files.set(holder, { ...files.get(holder), ...fallback });
  }
  return files;
};

const isMissing = (secret: PlannedSecret, env: Environment, started: ReadonlySet<string>): boolean =>
  secret.from !== undefined && !started.has(secret.from) && !namesOfSecret(secret).some((name) => name in env);

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

const isOwn = ({ form }: PlannedSecret): boolean => form === 'derived' || form === 'feed';

/** A token at the feed of an issuer that runs elsewhere can only come from there; one that was given wins. */
const isDerivedHere = (secret: PlannedSecret, env: Environment, started: ReadonlySet<string>): boolean =>
  secret.form === 'derived' || (!isMissing(secret, env, started) && !namesOfSecret(secret).some((name) => name in env));

const makers = {
  keys: () => `1:${randomBytes(32).toString('base64url')}`,
  text: () => randomBytes(32).toString('base64url'),
  webhook: () => `whsec_${randomBytes(32).toString('base64')}`,
} satisfies Partial<Record<PlannedSecret['form'], () => string>>;

/** Undefined: it is not made here, or not now. */
const makerOf = (secret: PlannedSecret, env: Environment, started: ReadonlySet<string>): (() => string) | undefined => {
  if (secret.form !== 'keys' && secret.form !== 'text' && secret.form !== 'webhook') return undefined;
  if (namesOfSecret(secret).some((name) => name in env)) return undefined;
  return secret.from === undefined || started.has(secret.from) ? makers[secret.form] : undefined;
};

/** The setting and its file as the server will read them: from the environment or from the file just made. */
const asHandedOn = (name: string, env: Environment, files: ReadonlyMap<string, Environment>): Environment => {
  const handed = Object.assign({}, ...files.values(), env) as Environment;
  const names = [name, `${name}_FILE`];
  return Object.fromEntries(names.flatMap((each) => (handed[each] === undefined ? [] : [[each, handed[each]]])));
};

const derivers = {
  derived: (service: string, env: Environment, files: ReadonlyMap<string, Environment>): string => {
    const { masterKeys } = gatewayKeySettings({ env: asHandedOn('GATEWAY_MASTER_KEYS', env, files) });
    return assertionKeysText(service, masterKeys ?? []);
  },
  feed: (subscriber: string, env: Environment, files: ReadonlyMap<string, Environment>): string =>
    feedTokenOf(subscriber, asHandedOn('SALLYPORT_ROOT_KEYS', env, files)),
} as const;

import { feedTokenOf } from '@sallyport/auth/maintenance';
import { type Command, Option } from 'commander';
import { readEnvironment } from '../environment.ts';
import { hostEnvironment } from '../host-environment.ts';
import { withMaintenance } from '../users/with-maintenance.ts';
import { keyAlgorithms, type NewKeysOptions, newKeys } from './new-keys.ts';

/** `sallyport keys new`, `sallyport keys feed <subscriber>`, `sallyport keys remove <kid>` */
export const addKeysCommand = (program: Command): void => {
  const keys = program.command('keys').description('signing keys as files; tokens of subscribers');
  keys
    .command('new')
    .description('make a key pair: jwt_private_key.pem (mode 0600) and jwt_public_key.pem')
    .option('--dir <folder>', 'where they are written; made where it is missing', 'keys')
    .addOption(new Option('--algorithm <name>', 'what they sign').choices(keyAlgorithms).default('RS256'))
    .option('--force', 'overwrite keys that are there: tokens signed with them are refused from then on', false)
    .action((options: NewKeysOptions) => {
      const { privatePath, publicPath } = newKeys(options);
      process.stdout.write(`JWT_ALGORITHM=${options.algorithm}\n`);
      process.stdout.write(`JWT_PRIVATE_KEY_PATH=${privatePath}\nJWT_PUBLIC_KEY_PATH=${publicPath}\n`);
    });
  keys
    .command('feed')
    .argument('<subscriber>', 'name of a gateway or service, for example api-gateway')
    .description("print a subscriber's REVOCATION_FEED_TOKEN, derived from SALLYPORT_ROOT_KEYS")
    .action((subscriber: string) => {
      const env = hostEnvironment(readEnvironment(process.env, '.env'));
      process.stdout.write(`${feedTokenOf(subscriber, env)}\n`);
    });
  keys
    .command('remove')
    .argument('<kid>', 'id of the key, as in the header of its tokens')
    .description('refuse everything that a signing key has signed, at every gateway and service that hears the feed')
    .action(async (kid: string) => {
      await withMaintenance(async (maintenance) => {
        const next = (await maintenance.removeKey(kid))
          ? 'Restart the issuer: it makes a new key.'
          : 'The ring has no such key: if it is not one of a file or of JWT_SECRET, look at the kid again. Give the issuer another key, and restart it.';
        process.stdout.write(`Tokens signed with ${kid} are refused. ${next}\n`);
      });
    });
};

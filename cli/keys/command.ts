import { feedTokenOf } from '@sallyport/auth/maintenance';
import { type Command, Option } from 'commander';
import { addUrlOption, type Where, withDesk } from '../desk/with-desk.ts';
import { readEnvironment } from '../environment.ts';
import { CommandError } from '../exit-codes.ts';
import { hostEnvironment } from '../host-environment.ts';
import { addDrillCommand } from './drill-command.ts';
import { keysText } from './keys-text.ts';
import { keyAlgorithms, type NewKeysOptions, newKeys } from './new-keys.ts';
import { addRootsCommand } from './roots-command.ts';

const noRingKeys =
  'The ring holds no keys: no issuer has started yet, or it signs with JWT_SECRET or a key of a file (docs/guides/signing-keys.md).\n';

/** `sallyport keys new | list | rotate | retire <kid> | remove <kid> | roots | drill | feed <subscriber>` */
export const addKeysCommand = (program: Command): void => {
  const keys = program
    .command('keys')
    .description('signing keys: the ring in the store, pairs as files; tokens of subscribers');
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
  addUrlOption(keys.command('list'))
    .description('print the keys of the ring in the store, and what each of them does')
    .option('--json', 'as JSON', false)
    .action(async ({ json, ...where }: Where & { readonly json: boolean }) => {
      await withDesk(where, async (desk) => {
        const ring = await desk.listKeys();
        if (json) process.stdout.write(`${JSON.stringify(ring, undefined, 2)}\n`);
        else process.stdout.write(ring.length === 0 ? noRingKeys : keysText(ring));
      });
    });
  addUrlOption(keys.command('rotate'))
    .description('publish the next key of the ring; issuers sign with it as soon as every verifier can have it')
    .action(async (where: Where) => {
      await withDesk(where, async (desk) => {
        const ring = await desk.rotateKeys();
        if (ring === undefined)
          throw new CommandError(
            'the issuer does not sign with the ring but with JWT_SECRET or a key of a file: give it another one (docs/guides/signing-keys.md)',
          );
        process.stdout.write(keysText(ring));
      });
    });
  addUrlOption(keys.command('retire'))
    .argument('<kid>', 'id of the key, as in `keys list`')
    .description('take a next or a retired key out of the ring before its time')
    .action(async (kid: string, where: Where) => {
      await withDesk(where, async (desk) => {
        const outcome = await desk.retireKey(kid);
        if (outcome === 'unknown') throw new CommandError(`the ring has no key ${kid}`);
        if (outcome === 'current')
          throw new CommandError(
            `${kid} signs: run \`keys rotate\` first, or \`keys remove\` where others may have it`,
          );
        process.stdout.write(`${kid} is published no more; verifiers drop it when they next fetch the keys.\n`);
      });
    });
  addRootsCommand(keys);
  addDrillCommand(keys);
  keys
    .command('feed')
    .argument('<subscriber>', 'name of a gateway or service, for example api-gateway')
    .description("print a subscriber's REVOCATION_FEED_TOKEN, derived from SALLYPORT_ROOT_KEYS")
    .action((subscriber: string) => {
      const env = hostEnvironment(readEnvironment(process.env, '.env'));
      process.stdout.write(`${feedTokenOf(subscriber, env)}\n`);
    });
  addUrlOption(keys.command('remove'))
    .argument('<kid>', 'id of the key, as in the header of its tokens')
    .description('refuse everything that a signing key has signed, at every gateway and service that hears the feed')
    .action(async (kid: string, where: Where) => {
      await withDesk(where, async (desk) => {
        const next = (await desk.removeKey(kid))
          ? 'The issuers sign with another key within a second.'
          : 'The ring has no such key: if it is not one of a file or of JWT_SECRET, look at the kid again. Give the issuer another key, and restart it.';
        process.stdout.write(`Tokens signed with ${kid} are refused. ${next}\n`);
      });
    });
};

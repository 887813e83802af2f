import { feedTokenOf } from '@sallyport/auth/maintenance';
import { type Command, Option } from 'commander';
import { addUrlOption, type Where, withDesk } from '../desk/with-desk.ts';
import { readEnvironment } from '../environment.ts';
import { CommandError } from '../exit-codes.ts';
import { hostEnvironment } from '../host-environment.ts';
import { type Json, jsonOption, print } from '../print.ts';
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
    .option(...jsonOption)
    .action(({ json, ...options }: NewKeysOptions & Json) => {
      const { privatePath, publicPath } = newKeys(options);
      const settings = {
        JWT_ALGORITHM: options.algorithm,
        JWT_PRIVATE_KEY_PATH: privatePath,
        JWT_PUBLIC_KEY_PATH: publicPath,
      };
      const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
      print(json, settings, lines.join(''));
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
    .option(...jsonOption)
    .action(async ({ json, ...where }: Where & Json) => {
      await withDesk(where, async (desk) => {
        const ring = await desk.rotateKeys();
        if (ring === undefined)
          throw new CommandError(
            'the issuer does not sign with the ring but with JWT_SECRET or a key of a file: give it another one (docs/guides/signing-keys.md)',
          );
        print(json, ring, keysText(ring));
      });
    });
  addUrlOption(keys.command('retire'))
    .argument('<kid>', 'id of the key, as in `keys list`')
    .description('take a next or a retired key out of the ring before its time')
    .option(...jsonOption)
    .action(async (kid: string, { json, ...where }: Where & Json) => {
      await withDesk(where, async (desk) => {
        const outcome = await desk.retireKey(kid);
        if (outcome === 'unknown') throw new CommandError(`the ring has no key ${kid}`);
        if (outcome === 'current')
          throw new CommandError(
            `${kid} signs: run \`keys rotate\` first, or \`keys remove\` where others may have it`,
          );
        const done = `${kid} is published no more; verifiers drop it when they next fetch the keys.\n`;
        print(json, { kid, retired: true }, done);
      });
    });
  addRootsCommand(keys);
  addDrillCommand(keys);
  keys
    .command('feed')
    .argument('<subscriber>', 'name of a gateway or service, for example api-gateway')
    .description("print a subscriber's REVOCATION_FEED_TOKEN, derived from SALLYPORT_ROOT_KEYS")
    .option(...jsonOption)
    .action((subscriber: string, { json }: Json) => {
      const token = feedTokenOf(subscriber, hostEnvironment(readEnvironment(process.env, '.env')));
      print(json, { subscriber, token }, `${token}\n`);
    });
  addUrlOption(keys.command('remove'))
    .argument('<kid>', 'id of the key, as in the header of its tokens')
    .description('refuse everything that a signing key has signed, at every gateway and service that hears the feed')
    .option(...jsonOption)
    .action(async (kid: string, { json, ...where }: Where & Json) => {
      await withDesk(where, async (desk) => {
        const ofRing = await desk.removeKey(kid);
        const next = ofRing
          ? 'The issuers sign with another key within a second.'
          : 'The ring has no such key: if it is not one of a file or of JWT_SECRET, look at the kid again. Give the issuer another key, and restart it.';
        print(json, { kid, removed: true, ofRing }, `Tokens signed with ${kid} are refused. ${next}\n`);
      });
    });
};

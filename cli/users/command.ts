import { type Command, InvalidArgumentError, Option } from 'commander';
import { addUrlOption, type Where, withDesk } from '../desk/with-desk.ts';
import { type Json, jsonOption } from '../print.ts';
import { type AccountFormat, accountFormats } from './account-rows.ts';
import type { NewUserOptions } from './create-user.ts';
import { type EraseOptions, eraseUser } from './erase-user.ts';
import { importFile } from './import-file.ts';
import { printUser } from './print-user.ts';
import { withMaintenance } from './with-maintenance.ts';

/** `sallyport users …`: accounts, on the host that holds the store. The first admin is made here and nowhere else. */
export const addUsersCommand = (program: Command): void => {
  const users = program
    .command('users')
    .description('accounts in the store, on its host (data folder and settings as for the issuer)');

  addUrlOption(users.command('create'))
    .argument('<identifier>', 'e-mail or user name, as the preset logs in')
    .option('--name <name>', 'display name')
    .option('--role <role...>', 'roles; default: user')
    .option('--permission <permission...>', 'permissions; default: none')
    .option('--password-hash', 'what is read is a password hash of another system, replaced at the first login', false)
    .option(...jsonOption)
    .description('create an account; the password is read from standard input or a prompt')
    .action((identifier: string, options: NewUserOptions & Json & Where) =>
      withDesk(options, async (desk) => printUser(await desk.createUser(identifier, options), options.json)),
    );

  for (const [name, disabled] of [
    ['disable', true],
    ['enable', false],
  ] as const) {
    addUrlOption(users.command(name))
      .argument('<id or identifier>')
      .option(...jsonOption)
      .description(disabled ? 'end all sessions of an account and refuse its logins' : 'let an account log in again')
      .action((identifier: string, options: Json & Where) =>
        withDesk(options, async (desk) => printUser(await desk.setDisabled(identifier, disabled), options.json)),
      );
  }

  addUrlOption(users.command('roles'))
    .argument('<id or identifier>')
    .argument('<roles...>', 'all roles that the account has from now on')
    .option('--permission <permission...>', 'all permissions; default: none')
    .option(...jsonOption)
    .description('replace the roles and permissions of an account')
    .action((identifier: string, roles: string[], options: Json & Where & { readonly permission?: string[] }) =>
      withDesk(options, async (desk) =>
        printUser(await desk.setRoles(identifier, roles, options.permission ?? []), options.json),
      ),
    );

  users
    .command('erase')
    .argument('<id or identifier>', 'id of an account, or the e-mail or user name that it has or had')
    .option('--delete', 'delete the account first where it is live', false)
    .option('--yes', 'do not ask', false)
    .option(...jsonOption)
    .description('take everything personal from a deleted account; ids and times stay. It cannot be undone')
    .action((identifier: string, options: EraseOptions & Json) =>
      withMaintenance(async (store) => {
        for (const id of await eraseUser(store, identifier, options)) {
          process.stdout.write(options.json ? `${JSON.stringify({ id, erased: true })}\n` : `${id}\terased\n`);
        }
      }),
    );

  users
    .command('import')
    .argument('<file>', 'CSV with a header, one JSON object a line, or a JSON array')
    .addOption(new Option('--format <name>', "default: by the file's name").choices(accountFormats))
    .option(...jsonOption)
    .description(
      'import accounts with password hashes of another system; a run that was cut off is taken up by the next',
    )
    .action((path: string, options: Json & { readonly format?: AccountFormat }) =>
      withMaintenance(async (store) => importFile(store, path, options)),
    );

  addUrlOption(users.command('list'))
    .option('--limit <number>', 'how many at most', positiveInteger, 1000)
    .option(...jsonOption)
    .description('list accounts, oldest first')
    .action((options: Json & Where & { readonly limit: number }) =>
      withDesk(options, async (desk) => {
        for (const user of await desk.listUsers(options.limit)) printUser(user, options.json);
      }),
    );
};

const positiveInteger = (text: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('a number from 1 on is expected');
  return Number(text);
};

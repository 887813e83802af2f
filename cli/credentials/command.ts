import { type AdminScope, adminScopes, expandScope } from '@sallyport/contract';
import { type Command, InvalidArgumentError } from 'commander';
import { CommandError } from '../exit-codes.ts';
import { type Json, jsonOption, print } from '../print.ts';
import { withMaintenance } from '../users/with-maintenance.ts';
import { credentialText, credentialView } from './credential-text.ts';
import { readLifetime } from './lifetime.ts';

interface CreateOptions {
  readonly scope: readonly AdminScope[];
  readonly expires?: number;
  readonly json: boolean;
}

const nameForm = /^[a-z0-9][a-z0-9._-]{0,62}$/;

const scopesHelp = `
Scopes: ${adminScopes.join(', ')};
\`devices:*\` stands for all there are of devices today. What each opens: docs/guides/admin-api.md`;

/** `sallyport credentials create | list | revoke`: who may call the admin API. They are made on the host, and nowhere else. */
export const addCredentialsCommand = (program: Command): void => {
  const credentials = program
    .command('credentials')
    .description('credentials of services that call the admin API (docs/guides/admin-api.md)');

  credentials
    .command('create')
    .argument('<name>', 'what it is called: lower-case letters, digits, dots, dashes', readName)
    .requiredOption('--scope <scope...>', 'what it may do, and nothing else', readScope)
    .option('--expires <time>', 'when it ends by itself, such as 90d or 12h; default: never', readLifetime)
    .option(...jsonOption)
    .description('make a credential; its text is printed once, and kept nowhere')
    .addHelpText('after', scopesHelp)
    .action(create);

  credentials
    .command('list')
    .option(...jsonOption)
    .description('list credentials, newest first, with their last use; never their secret')
    .action((options: Json) =>
      withMaintenance(async (store) => {
        const now = Date.now();
        for (const one of await store.listCredentials())
          print(options.json, credentialView(one, now), credentialText(one, now));
      }),
    );

  credentials
    .command('revoke')
    .argument('<id or name>', 'as in the list')
    .description('refuse a credential from its next call on')
    .option(...jsonOption)
    .action((idOrName: string, { json }: Json) =>
      withMaintenance(async (store) => {
        if (!(await store.revokeCredential(idOrName)))
          throw new CommandError(`There is no credential ${idOrName} that lives.`);
        print(json, { credential: idOrName, revoked: true }, `${idOrName} is revoked.\n`);
      }),
    );
};

const create = (name: string, { scope, expires, json }: CreateOptions): Promise<void> =>
  withMaintenance(async (store) => {
    const wish = { name, scopes: [...new Set(scope)], ...(expires !== undefined && { ttlSeconds: expires }) };
    const made = await store.createCredential(wish);
    if (made.kind === 'taken')
      throw new CommandError(`There is a credential ${name}: revoke it first, or choose another name.`);
    const { id, token } = made;
    process.stdout.write(json ? `${JSON.stringify({ id, name, scopes: wish.scopes, token })}\n` : `${token}\n`);
    // Beside the pipe that a script reads the text from.
    if (!json) process.stderr.write(`${id} (${name}) may ${wish.scopes.join(', ')}. It is not shown again.\n`);
  });

const readName = (text: string): string => {
  if (!nameForm.test(text)) throw new InvalidArgumentError('lower-case letters, digits, dots and dashes are expected');
  return text;
};

const readScope = (text: string, before: readonly AdminScope[] = []): readonly AdminScope[] => {
  const scopes = text.split(',').map(expandScope);
  if (scopes.includes(undefined)) throw new InvalidArgumentError(`known are ${adminScopes.join(', ')}`);
  return [...before, ...scopes.flatMap((some) => some ?? [])];
};

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { readEnvironment } from '../environment.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { withMaintenance } from '../users/with-maintenance.ts';
import { adminClient } from './admin-client.ts';
import type { Desk } from './desk.ts';
import { localDesk } from './local-desk.ts';
import { remoteDesk } from './remote-desk.ts';

export interface Where {
  readonly url?: string;
}

/** For commands that the admin API can do as well. */
export const addUrlOption = (command: Command): Command =>
  command.option(
    '--url <address>',
    'of an admin API, with ADMIN_CREDENTIAL (or _FILE); default: the store on this host',
  );

/** In the store of this host, or where `--url` says. */
export const withDesk = ({ url }: Where, work: (desk: Desk) => Promise<void>): Promise<void> =>
  url === undefined
    ? withMaintenance((store) => work(localDesk(store)))
    : work(remoteDesk(adminClient({ url, credential: readCredential() })));

/** Never an argument: those are seen by everybody on the machine. */
const readCredential = (): string => {
  const { ADMIN_CREDENTIAL: text, ADMIN_CREDENTIAL_FILE: file } = readEnvironment(process.env, '.env');
  const credential = text ?? (file === undefined ? undefined : readCredentialFile(file));
  if (credential === undefined)
    throw new CommandError('--url needs a credential: ADMIN_CREDENTIAL, or ADMIN_CREDENTIAL_FILE', exitCodes.usage);
  return credential.trim();
};

const readCredentialFile = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandError(
      `ADMIN_CREDENTIAL_FILE cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
    );
  }
};

import { release } from '@sallyport/contract';
import { Command, CommanderError } from 'commander';
import { addAuditCommand } from './audit/command.ts';
import { addBackupCommand } from './backup/command.ts';
import { addCleanupCommand } from './cleanup/command.ts';
import { addCompletionCommand } from './completion/command.ts';
import { addCredentialsCommand } from './credentials/command.ts';
import { addDevicesCommand } from './devices/command.ts';
import { addDoctorCommand } from './doctor/command.ts';
import { readEnvironment } from './environment.ts';
import { addEventsCommand } from './events/command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { addGatewayCommand } from './gateway/command.ts';
import { hostEnvironment } from './host-environment.ts';
import { addKeysCommand } from './keys/command.ts';
import { addMigrateCommand } from './migrate/command.ts';
import { addRoutesCommand } from './routes/command.ts';
import { addSeedCommand } from './seed/command.ts';
import { addSessionsCommand } from './sessions/command.ts';
import { addStoreCommand } from './store/command.ts';
import { addUpCommand } from './up/command.ts';
import { addUsersCommand } from './users/command.ts';

const exitCodesHelp = `
Exit codes:
  0   done
  1   it could not be done, or does not hold (audit verify, doctor); the reason is printed
  2   an unknown command, option or argument
  78  the settings are refused; each problem is printed

Settings come from the environment, over the .env of the working folder.`;

/** The whole command, for `main.ts` and for documentation. `finish` is told the exit code of commands that have ended. */
export const createProgram = (finish: (exitCode: number) => void): Command => {
  const program = new Command('sallyport')
    .description('Authentication for microservices: issuer, gateway, verifier.')
    .version(release)
    .exitOverride()
    .showSuggestionAfterError()
    // An option belongs to the command that it stands behind: `keys roots` and `keys roots remove` both have --json.
    .enablePositionalOptions()
    .addHelpText('after', exitCodesHelp);
  addUpCommand(program, finish);
  program
    .command('auth')
    .description('run the issuer alone; it makes no secrets and says which setting is missing')
    // It takes the process over: signals, log, exit code.
    .action(async () => void (await import('@sallyport/auth/main')));
  program
    .command('relay')
    .description("carry events out of an issuer's store, beside other relays; EVENT_SINK says where to")
    .action(async () => {
      // The folder's secrets, as every other command on the host has them.
      Object.assign(process.env, hostEnvironment(readEnvironment(process.env, '.env')));
      await import('@sallyport/auth/relay');
    });
  addGatewayCommand(program);
  addKeysCommand(program);
  addRoutesCommand(program, finish);
  addUsersCommand(program);
  addSessionsCommand(program);
  addDevicesCommand(program);
  addCredentialsCommand(program);
  addEventsCommand(program);
  addCleanupCommand(program);
  addAuditCommand(program);
  addBackupCommand(program);
  addSeedCommand(program);
  addStoreCommand(program);
  addMigrateCommand(program);
  addDoctorCommand(program, finish);
  addCompletionCommand(program);
  return program;
};

/** Runs one command. The process ends with its exit code; `auth` and `gateway` go on until they are told to stop. */
export const runSallyport = async (args: readonly string[]): Promise<void> => {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', passOverBrokenPipe);
  const finish = (exitCode: number): void => {
    process.exitCode = exitCode;
    // Listeners for signals would keep the process; everything that it did is done and printed.
    process.stdout.write('', () => process.exit(exitCode));
  };
  try {
    await createProgram(finish).parseAsync([...args], { from: 'user' });
  } catch (error) {
    finish(exitCodeOf(error));
  }
};

/** Whoever read has left (`npm start | head`): servers go on, commands end as they would. Any other error is one. */
const passOverBrokenPipe = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EPIPE') throw error;
};

/** Commander has printed its own errors; help and version are no errors. */
const exitCodeOf = (error: unknown): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  process.stderr.write(`${error instanceof Error ? error.message : 'unknown error'}\n`);
  if (error instanceof CommandError) return error.exitCode;
  return error instanceof Error && error.name === 'SettingsError' ? exitCodes.settings : exitCodes.failed;
};

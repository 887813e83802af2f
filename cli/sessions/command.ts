import type { Command } from 'commander';
import { addUrlOption, type Where, withDesk } from '../desk/with-desk.ts';
import { CommandError } from '../exit-codes.ts';
import { type Json, jsonOption, print } from '../print.ts';

/** `sallyport sessions list | end`: sessions of one account, on the host that holds the store. */
export const addSessionsCommand = (program: Command): void => {
  const sessions = program
    .command('sessions')
    .description('sessions of an account: who is logged in, and the end of it');
  addUrlOption(sessions.command('list'))
    .argument('<id or identifier>', 'id, e-mail or user name of the account')
    .option('--json', 'print JSON', false)
    .description('list the live sessions of an account, newest first')
    .action((identifier: string, { json, ...where }: Where & { readonly json: boolean }) =>
      withDesk(where, async (desk) => {
        const live = await desk.listSessions(identifier);
        const lines = live.map(
          ({ id, last_seen_at: seen, expires_at: expires, address = '', user_agent: agent = '' }) =>
            [id, seen, expires, address, agent].join('\t'),
        );
        process.stdout.write(
          json ? `${JSON.stringify(live, undefined, 2)}\n` : lines.map((line) => `${line}\n`).join(''),
        );
      }),
    );
  addUrlOption(sessions.command('end'))
    .argument('[session id]', 'one session')
    .option('--user <id or identifier>', 'every session of an account')
    .description('end a session, or all of an account: its access tokens are refused within a second')
    .option(...jsonOption)
    .action(
      (
        sessionId: string | undefined,
        { user: identifier, json, ...where }: Where & Json & { readonly user?: string },
      ) =>
        withDesk(where, async (desk) => {
          if ((sessionId === undefined) === (identifier === undefined))
            throw new CommandError('Give the id of one session, or --user.');
          if (identifier !== undefined) {
            await desk.endAllSessions(identifier);
            print(json, { user: identifier, ended: true }, `All sessions of ${identifier} are ended.\n`);
          } else if (await desk.endSession(sessionId ?? ''))
            print(json, { id: sessionId, ended: true }, `Session ${sessionId} is ended.\n`);
          else throw new CommandError(`There is no live session ${String(sessionId)}.`);
        }),
    );
};

/**
 * The page's server (3000): it hands out the page, and keeps the expenses behind a small API. Read `server/page-server.ts` first.
 * It never sees a password, a refresh token or a key: whoever calls shows an access token, and the issuer says whose it is.
 */

import { type RunningServer, startPageServer } from './server/page-server.ts';
import { readEnvironment, SettingsError } from './server/settings.ts';

/** 78 is EX_CONFIG of sysexits: a supervisor does not try again. */
const exitCodes = { graceful: 0, failed: 1, settings: 78 } as const;
const stopLimitMs = 8_000;

const started = Promise.resolve().then(() => startPageServer(readEnvironment(process.env, '.env')));
let isStopping = false;

const stop = (): void => {
  // Ctrl-C may arrive from the terminal and once more from whoever started us: one wish.
  if (isStopping) return;
  isStopping = true;
  void stopAndExit();
};
for (const signal of ['SIGTERM', 'SIGINT', 'disconnect']) process.on(signal, stop);
// The listener above would hold the channel open, and with it a process that has nothing left to do.
process.channel?.unref();
started.then(announce).catch(refuseStart);

function announce({ urls }: RunningServer): void {
  // A supervisor that is gone is seen as 'disconnect'.
  if (process.connected) process.send?.({ type: 'ready', urls }, undefined, undefined, () => undefined);
  else process.stdout.write(`the page is at ${urls.public}\n`);
}

function refuseStart(error: unknown): never {
  const message = error instanceof Error ? error.message : 'unknown error';
  process.stderr.write(error instanceof SettingsError ? `${message}\n` : `the page could not start: ${message}\n`);
  process.exit(error instanceof SettingsError ? exitCodes.settings : exitCodes.failed);
}

async function stopAndExit(): Promise<void> {
  setTimeout(() => process.exit(exitCodes.failed), stopLimitMs).unref();
  // A start that failed meanwhile is reported by `refuseStart`.
  const server = await started.catch(() => undefined);
  await server?.stop();
  process.exit(exitCodes.graceful);
}

/**
 * The profile service (8082): one profile per user, made from the events of the issuer. Read `profile/apply-event.ts` first.
 * It never asks the issuer, and reads no table of it: what it knows it has heard. Who calls is what the gateway has signed.
 */

import { readEnvironment, SettingsError } from './profile/environment.ts';
import { type RunningProfiles, startProfiles } from './profile/start-profiles.ts';

/** 78 is EX_CONFIG of sysexits: a supervisor does not try again. */
const exitCodes = { graceful: 0, failed: 1, settings: 78 } as const;
const stopLimitMs = 8_000;

const started = Promise.resolve().then(() => startProfiles(readEnvironment(process.env, '.env')));
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

function announce({ urls }: RunningProfiles): void {
  // A supervisor that is gone is seen as 'disconnect'.
  if (process.connected) process.send?.({ type: 'ready', urls }, undefined, undefined, () => undefined);
}

function refuseStart(error: unknown): never {
  const message = error instanceof Error ? error.message : 'unknown error';
  process.stderr.write(
    error instanceof SettingsError ? `${message}\n` : `the profile service could not start: ${message}\n`,
  );
  process.exit(error instanceof SettingsError ? exitCodes.settings : exitCodes.failed);
}

async function stopAndExit(): Promise<void> {
  setTimeout(() => process.exit(exitCodes.failed), stopLimitMs).unref();
  // A start that failed meanwhile is reported by `refuseStart`.
  const service = await started.catch(() => undefined);
  await service?.stop();
  process.exit(exitCodes.graceful);
}

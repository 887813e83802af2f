import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes } from '../exit-codes.ts';
import { answersReady } from './answers-ready.ts';
import { restartDelayMs } from './restart-delay.ts';
import { killGroup, type ServerProcess } from './spawn-server.ts';

export interface SuperviseOptions {
  /** Starts the process; called again for each restart. */
  readonly spawn: () => ServerProcess;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
  /** One line for the person at the terminal. */
  readonly say: (text: string) => void;
  /** It ended in a way that no restart mends. */
  readonly onFatal: (exitCode: number) => void;
}

/** Addresses by name: `public`, `private`. */
export type Urls = Readonly<Record<string, string>>;

export interface Supervised {
  /** The first time that it answers `/ready`. Never settles where that never comes. */
  readonly ready: Promise<Urls>;
  /** Asks it to stop and resolves when it has; it is not restarted. */
  stop(): Promise<void>;
  /** Ends it at once, with everything that it started. */
  kill(): void;
}

const pollMs = 100;

/** Keeps one server running until it is stopped. */
export const supervise = ({ spawn, onOutput, say, onFatal }: SuperviseOptions): Supervised => {
  const { promise: ready, resolve: resolveReady } = Promise.withResolvers<Urls>();
  const stopping = new AbortController();
  let wasReady = false;
  let failures = 0;
  let current: ServerProcess | undefined;
  let restart: NodeJS.Timeout | undefined;

  const whenReady = (urls: Urls): void => {
    if (failures > 0 && wasReady) say('is ready again');
    failures = 0;
    wasReady = true;
    resolveReady(urls);
  };

  const whenEnded = (code: number | null, signal: NodeJS.Signals | null): void => {
    current = undefined;
    if (stopping.signal.aborted) return;
    failures += 1;
    const how = signal === null ? `code ${code}` : signal;
    // What it cannot do at its first start, or with these settings, it cannot do a second time.
    if (code === exitCodes.settings || (!wasReady && signal === null)) {
      say(`ended (${how})`);
      onFatal(code || exitCodes.failed);
      return;
    }
    const delayMs = restartDelayMs(failures);
    say(`ended (${how}); starting it again in ${delayMs} ms`);
    restart = setTimeout(start, delayMs);
  };

  const start = (): void => {
    const child = spawn();
    current = child;
    child.stdout.on('data', (chunk: Uint8Array) => onOutput('stdout', chunk));
    child.stderr.on('data', (chunk: Uint8Array) => onOutput('stderr', chunk));
    const gone = new AbortController();
    child.on(
      'message',
      (message) => void reachReady(child, message, gone.signal).then((urls) => urls && whenReady(urls)),
    );
    // 'close' comes after the last output, so that a reason is read before its consequence.
    child.once('exit', () => {
      gone.abort();
      // What it started and did not end would hold its ports, and the other ends of our pipes.
      killGroup(child);
    });
    child.once('close', whenEnded);
    child.once('error', (error) => say(`could not be started: ${error.message}`));
  };

  start();
  return {
    ready,
    stop: async () => {
      stopping.abort();
      clearTimeout(restart);
      const child = current;
      if (child === undefined) return;
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      await closed;
    },
    kill: () => {
      stopping.abort();
      clearTimeout(restart);
      if (current !== undefined) killGroup(current);
    },
  };
};

/** The child's message `{ type: 'ready', urls }` says that it listens; ready it is when it answers so. */
const reachReady = async (child: ServerProcess, message: unknown, gone: AbortSignal): Promise<Urls | undefined> => {
  if (!isReadyMessage(message)) return undefined;
  // The private listener: on the gateway's public one our asking would use up the flood limit of this machine's address.
  const { private: url = message.urls['public'] ?? '' } = message.urls;
  // Whose certificate it is, and which one it wants to see, is between it and those who call it: that it listens has to do.
  if (url.startsWith('https:')) return message.urls;
  while (!gone.aborted && child.connected) {
    if (await answersReady(url, gone)) return message.urls;
    await sleep(pollMs);
  }
  return undefined;
};

const isReadyMessage = (message: unknown): message is { readonly type: 'ready'; readonly urls: Urls } =>
  typeof message === 'object' &&
  message !== null &&
  'type' in message &&
  message.type === 'ready' &&
  'urls' in message &&
  typeof message.urls === 'object';

import { createClient, ErrorReply } from '@redis/client';
import type { Random } from '@sallyport/kit/random';
import { StoreUnavailable } from '../contracts/store.ts';
import { refuseUnfit } from './instance.ts';
import type { Script } from './script.ts';

export interface RedisOptions {
  /** `redis://` or `rediss://` (TLS, the certificate verified), with user, password and database where they are needed. */
  readonly url: string;
  /** How long an answer may take; then the connection is given up and made anew. Default 500 ms. */
  readonly answerLimitMs?: number;
  /** Longest pause between two attempts to find a Redis that is away. Default 5 s. */
  readonly longestPauseMs?: number;
  readonly random: Random;
  /** Told whenever Redis is lost (with why) or found again. */
  readonly onChange?: (state: { readonly up: boolean; readonly reason?: string }) => void;
}

interface ConnectionOptions extends RedisOptions {
  /** Looks at each Redis that is connected, before anything else is asked of it. Rejects where it is not to be used. */
  readonly greet?: (run: RunCalls, info: string) => Promise<void>;
}

/** Runs calls in one turn of the connection. */
export type RunCalls = (calls: readonly RedisCall[]) => Promise<readonly unknown[]>;

export interface RedisConnection {
  readonly up: boolean;
  /** Rejects with StoreUnavailable: at once where Redis is away, and with `outcomeUnknown` where a call may have been carried out. */
  readonly run: RunCalls;
  close(): void;
}

export interface ScriptCall {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

export interface CommandCall {
  readonly command: readonly string[];
}

export type RedisCall = ScriptCall | CommandCall;

const connectLimitMs = 2000;
const firstPauseMs = 100;

const newClient = (url: string) =>
  createClient({
    url,
    RESP: 2,
    // A command that waits for a connection would be executed long after anybody wants it.
    disableOfflineQueue: true,
    commandsQueueMaxLength: 20_000,
    maintNotifications: 'disabled',
    // The library's own deadline ends with the write: a Redis that hangs never meets it. Ours ends with the answer.
    commandOptions: { timeout: 0 },
    socket: { connectTimeout: connectLimitMs, reconnectStrategy: false },
  });

type Client = ReturnType<typeof newClient>;

/**
 * One connection, kept up. The first has to succeed, and to be to a Redis that forgets nothing by itself.
 * @throws Error with a reason that names neither address nor password
 */
export const openConnection = async (options: ConnectionOptions): Promise<RedisConnection> => {
  const { answerLimitMs = 500, longestPauseMs = 5000, random, onChange = () => undefined } = options;
  const closing = new AbortController();
  let client: Client | undefined;

  const onEnd = (ended: Client): void => {
    if (ended === client) lost('the connection ended');
  };

  function lost(reason: string): void {
    if (client === undefined) return;
    discard(client);
    client = undefined;
    if (closing.signal.aborted) return;
    onChange({ up: false, reason });
    void reconnect();
  }

  const reconnect = async (): Promise<void> => {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      // Between half of it and all of it: gateways that lost Redis together do not come back together.
      await pause(pauseMs * (0.5 + random.bytes(1).readUInt8() / 512), closing.signal);
      if (closing.signal.aborted) return;
      const found = await connect(options, onEnd).catch(() => undefined);
      if (found === undefined) continue;
      if (closing.signal.aborted) return discard(found);
      client = found;
      onChange({ up: true });
      return;
    }
  };

  client = await connect(options, onEnd);

  const run: RunCalls = async (calls) => {
    const asked = client;
    if (asked === undefined) throw new StoreUnavailable(new Error('not connected'));
    try {
      return await within(runAll(asked, calls), answerLimitMs);
    } catch (error) {
      // Most refusals, or a queue that is full, are no reason to give the connection up; one that ends says so by itself.
      const gone = error instanceof LateAnswer || refusalOf(error) === 'elsewhere';
      if (gone && asked === client) lost(error instanceof Error ? error.message : 'it refused');
      throw new StoreUnavailable(error, refusalOf(error) === undefined);
    }
  };

  return Object.freeze({
    get up() {
      return client !== undefined;
    },
    run,
    close: () => {
      closing.abort();
      if (client !== undefined) discard(client);
      client = undefined;
    },
  });
};

const connect = async ({ url, greet }: ConnectionOptions, onEnd: (client: Client) => void): Promise<Client> => {
  const client = newClient(url);
  client.on('error', () => onEnd(client));
  try {
    await within(client.connect(), connectLimitMs);
    const info = await within(client.info(), connectLimitMs);
    refuseUnfit(info);
    if (greet !== undefined)
      await within(
        greet((calls) => runAll(client, calls), info),
        connectLimitMs,
      );
  } catch (error) {
    discard(client);
    throw error;
  }
  return client;
};

const discard = (client: Client): void => {
  if (client.isOpen) client.destroy();
};

const runAll = (client: Client, calls: readonly RedisCall[]): Promise<readonly unknown[]> =>
  Promise.all(calls.map((call) => ('script' in call ? evaluate(client, call) : client.sendCommand([...call.command]))));

/** EVALSHA, and EVAL where Redis has not seen the script since its start. Commands of one turn leave in one write. */
const evaluate = async (client: Client, { script, keys, args }: ScriptCall): Promise<unknown> => {
  const rest = [String(keys.length), ...keys, ...args.map(String)];
  try {
    return await client.sendCommand(['EVALSHA', script.sha1, ...rest]);
  } catch (error) {
    if (!(error instanceof ErrorReply && error.message.startsWith('NOSCRIPT'))) throw error;
    return client.sendCommand(['EVAL', script.text, ...rest]);
  }
};

/**
 * Refusals that leave everything as it was: Redis checks them before a script's first write (before 7.0 it wraps them in a sentence of
 * its own). `elsewhere`: this Redis takes no writes now, and another one may by the same address. Undefined: something may have been done.
 */
const refusalOf = (error: unknown): 'here' | 'elsewhere' | undefined => {
  if (!(error instanceof ErrorReply)) return undefined;
  if (/\b(?:READONLY|LOADING|MASTERDOWN|CLUSTERDOWN)\b/.test(error.message)) return 'elsewhere';
  return /\b(?:OOM|MISCONF|NOREPLICAS|NOPERM|NOAUTH|MOVED|ASK|TRYAGAIN|CROSSSLOT|BUSY)\b/.test(error.message)
    ? 'here'
    : undefined;
};

class LateAnswer extends Error {
  override readonly name = 'LateAnswer';
}

const within = async <T>(work: Promise<T>, limitMs: number): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(new LateAnswer(`no answer within ${limitMs} ms`));
  // One turn later: where it is this process that was busy for so long, the answer is there and has only not been read yet.
  const timer = setTimeout(() => setImmediate(giveUp), limitMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    // Whoever loses the race may still reject, and nobody is left to hear it.
    work.catch(() => undefined);
  }
};

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });

import { join } from 'node:path';
import { type Environment, namesDatabase } from '../environment.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { childEnvironment } from './child-environment.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { type Plan, type PlannedServer, readPlan } from './plan.ts';
import { addressOf, checkPorts, portNotes } from './ports.ts';
import { prepareSecrets, refuseDerived } from './secrets.ts';
import { createServerOutput } from './server-output.ts';
import { spawnServer } from './spawn-server.ts';
import { stopAll } from './stop-all.ts';
import { listenForStop } from './stop-signals.ts';
import { type Supervised, supervise } from './supervise.ts';
import { startTable } from './table.ts';

export interface UpOptions {
  readonly preset: string;
  /** The process environment over `.env`. */
  readonly env: Environment;
  readonly verbose: boolean;
  /** Writes one line to the terminal. */
  readonly print: (line: string) => void;
}

/** A killed supervisor's servers notice at once, and take up to ten seconds to stop. */
const takeOverPatienceMs = 12_000;

/**
 * Runs a preset's servers until SIGTERM, Ctrl-C or the loss of the parent. Resolves to the exit code: 0 after a stop, a
 * server's own where it cannot be started.
 * @throws CommandError where nothing was started
 */
export const up = async ({ preset, env, verbose, print }: UpOptions): Promise<number> => {
  const signals = listenForStop(() => performance.now());
  const plan = readPlan(preset);
  refusePort(env);
  refuseDerived(plan, env);
  refuseAddresses(plan, env);
  const store = namesDatabase(env) ? 'named' : 'own';
  const folder = openDataFolder(env['SALLYPORT_DATA_DIR'] ?? 'data', preset, new Date(), store);
  try {
    const started = plan.servers.filter(({ replacedBy = '' }) => !(replacedBy in env));
    await checkPorts(started, env, folder.takenOver ? takeOverPatienceMs : 0);
    for (const note of portNotes(started, env)) print(note);
    return await run({ plan, started, env, folder, verbose, print, ...signals });
  } finally {
    folder.release();
  }
};

const refusePort = (env: Environment): void => {
  if (!('PORT' in env)) return;
  const message =
    'PORT sets the port of a single server and is refused here: shift all ports with SALLYPORT_PORT_OFFSET';
  throw new CommandError(message, exitCodes.settings);
};

/** Settings of servers are made of them, whose names nobody has given. */
const refuseAddresses = ({ servers }: Plan, env: Environment): void => {
  const wrong = servers
    .flatMap(({ replacedBy = '' }) => (replacedBy in env ? [replacedBy] : []))
    .filter((name) => !/^https?:$/.test(URL.parse(env[name] ?? '')?.protocol ?? ''));
  if (wrong.length === 0) return;
  const lines = wrong.map((name) => `${name} must be a URL that begins with http: or https:`);
  throw new CommandError(lines.join('\n'), exitCodes.settings);
};

interface Run extends Omit<UpOptions, 'preset'> {
  readonly plan: Plan;
  readonly started: readonly PlannedServer[];
  readonly folder: DataFolder;
  readonly stop: AbortSignal;
  readonly force: AbortSignal;
}

const run = async (input: Run): Promise<number> => {
  const { plan, started, env, folder, print, stop, force } = input;
  const ended = Promise.withResolvers<number>();
  if (stop.aborted) return exitCodes.done;
  stop.addEventListener('abort', () => ended.resolve(exitCodes.done), { once: true });
  print(`Starting ${started.map(({ name }) => name).join(', ')} …`);
  const servers = startAll(input, ended.resolve);
  const allReady = Promise.all(servers.map(({ ready }) => ready)).then(() => 'ready' as const);
  const first = await Promise.race([allReady, ended.promise]);
  if (first === 'ready') print(`${startTable({ plan, started, env, folder })}\nready`);
  const exitCode = await ended.promise;
  print('Stopping …');
  const graceful = await stopAll(servers, force);
  print(graceful ? 'Stopped.' : 'Stopped; what had not ended in time was killed.');
  return exitCode === exitCodes.done && force.aborted ? exitCodes.failed : exitCode;
};

const startAll = (input: Run, onFatal: (exitCode: number) => void): Supervised[] => {
  const { plan, started, env, folder, verbose, print } = input;
  const names = new Set(started.map(({ name }) => name));
  const files = prepareSecrets({ plan, started: names, env, folder: folder.secrets });
  const addresses = Object.fromEntries(
    started.flatMap((server) => (server.replacedBy === undefined ? [] : [[server.replacedBy, addressOf(server, env)]])),
  );
  const width = Math.max(...started.map(({ name }) => name.length));
  return started.map((server) => {
    const say = (text: string) => print(`${server.name.padEnd(width)}  ${text}`);
    const childEnv = childEnvironment({ plan, server, env, files, dataDir: folder.path, addresses });
    const onOutput = createServerOutput({ file: join(folder.logs, `${server.name}.log`), verbose, say });
    return supervise({
      spawn: () => spawnServer(server.entry, childEnv),
      onOutput,
      say,
      onFatal,
    });
  });
};

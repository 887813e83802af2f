import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../environment.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { isBlockedPort } from './blocked-ports.ts';
import type { PlannedServer } from './plan.ts';

const privatePortDistance = 1000;
const offsetSetting = 'SALLYPORT_PORT_OFFSET';
const largestOffset = 50_000;
const pollMs = 200;

/** The public port that the server will listen on. The servers add the offset by themselves. */
export const portOf = ({ port, portSetting = '' }: PlannedServer, env: Environment): number =>
  Number(env[portSetting] ?? port) + Number(env['SALLYPORT_PORT_OFFSET'] ?? 0);

/** Where others reach it: `localhost`, unless it listens on one address alone. */
export const addressOf = (server: PlannedServer, env: Environment): string => {
  const [host = ''] = (env['HOST'] ?? '').split(',');
  const open = ['', 'localhost', '0.0.0.0', '::', '127.0.0.1', '::1'].includes(host.trim());
  const scheme = env[server.tlsSetting ?? ''] === undefined ? 'http' : 'https';
  return `${scheme}://${open ? 'localhost' : host.trim()}:${portOf(server, env)}`;
};

/** `{title}` in a text of the plan becomes the address of that server, or the one given in its place. */
export const withAddresses = (text: string, servers: readonly PlannedServer[], env: Environment): string =>
  servers.reduce(
    (filled, server) => filled.replaceAll(`{${server.title}}`, env[server.replacedBy ?? ''] ?? addressOf(server, env)),
    text,
  );

/**
 * What is wrong with the ports that were asked for, before anything looks at them.
 * @throws CommandError
 */
const checkNumbers = (servers: readonly PlannedServer[], env: Environment): void => {
  const given = servers.flatMap(({ portSetting }) =>
    portSetting === undefined ? [] : [[portSetting, 65_535] as const],
  );
  for (const [name, largest] of [[offsetSetting, largestOffset] as const, ...given]) {
    const text = env[name]?.trim() ?? '0';
    if (/^\d{1,5}$/.test(text) && Number(text) <= largest) continue;
    const message = `${name} must be a whole number from 0 to ${largest}, and is ${JSON.stringify(text)}`;
    throw new CommandError(message, exitCodes.settings);
  }
};

/** One sentence for each server that listens where browsers do not go, and need not. */
export const portNotes = (servers: readonly PlannedServer[], env: Environment): readonly string[] =>
  servers
    .filter((server) => isBlockedPort(portOf(server, env)))
    .map((server) => `${server.name} is on port ${portOf(server, env)}, where no browser and no fetch goes.`);

/**
 * Says which port is taken before anything is started; a server could only fail. Waits for `patienceMs`, which is worth it
 * where servers of a killed supervisor are about to stop.
 * @throws CommandError
 */
export const checkPorts = async (
  servers: readonly PlannedServer[],
  env: Environment,
  patienceMs: number,
): Promise<void> => {
  const deadline = performance.now() + patienceMs;
  checkNumbers(servers, env);
  for (const server of servers) {
    const port = portOf(server, env);
    checkRange(server, port, env);
    while (!(await isFree(port)) || !(await isFree(port + privatePortDistance))) {
      if (performance.now() >= deadline) throw taken(server, port);
      await sleep(pollMs);
    }
  }
};

const checkRange = (
  { name, portSetting = '', forBrowsers = false }: PlannedServer,
  port: number,
  env: Environment,
): void => {
  const why = `${portSetting in env ? portSetting : offsetSetting} puts ${name} on port ${port}`;
  if (port <= 0 || port + privatePortDistance > 65_535) {
    const message = `${why}, with its private one 1000 above: there is no such port`;
    throw new CommandError(message, exitCodes.settings);
  }
  if (forBrowsers && isBlockedPort(port)) {
    const message = `${why}: browsers refuse that port (ERR_UNSAFE_PORT), whatever listens there. Choose another one`;
    throw new CommandError(message, exitCodes.settings);
  }
};

const taken = ({ name }: PlannedServer, port: number): CommandError =>
  new CommandError(
    `Port ${port} or ${port + privatePortDistance}, wanted by ${name}, is in use. ` +
      'Stop the process that holds it, or shift all ports with SALLYPORT_PORT_OFFSET.',
  );

const isFree = async (port: number): Promise<boolean> => {
  const server = createServer();
  try {
    server.listen({ host: '127.0.0.1', port, exclusive: true });
    await once(server, 'listening');
    return true;
  } catch (error) {
    // Whatever else is wrong with the port, the server itself says it better.
    return !(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE');
  } finally {
    server.close();
  }
};

import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../environment.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import type { PlannedServer } from './plan.ts';

const privatePortDistance = 1000;
const pollMs = 200;

/** The public port that the server will listen on. The servers add the offset by themselves. */
export const portOf = ({ port, portSetting = '' }: PlannedServer, env: Environment): number =>
  Number(env[portSetting] ?? port) + Number(env['SALLYPORT_PORT_OFFSET'] ?? 0);

/** Where others reach it: `localhost`, unless it listens on one address alone. */
export const addressOf = (server: PlannedServer, env: Environment): string => {
  const [host = ''] = (env['HOST'] ?? '').split(',');
  const open = ['', 'localhost', '0.0.0.0', '::', '127.0.0.1', '::1'].includes(host.trim());
  return `http://${open ? 'localhost' : host.trim()}:${portOf(server, env)}`;
};

/** `{title}` in a text of the plan becomes the address of that server, or the one given in its place. */
export const withAddresses = (text: string, servers: readonly PlannedServer[], env: Environment): string =>
  servers.reduce(
    (filled, server) => filled.replaceAll(`{${server.title}}`, env[server.replacedBy ?? ''] ?? addressOf(server, env)),
    text,
  );

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
  for (const server of servers) {
    const port = portOf(server, env);
    checkRange(server, port);
    while (!(await isFree(port)) || !(await isFree(port + privatePortDistance))) {
      if (performance.now() >= deadline) throw taken(server, port);
      await sleep(pollMs);
    }
  }
};

const checkRange = ({ name }: PlannedServer, port: number): void => {
  if (Number.isInteger(port) && port > 0 && port + privatePortDistance <= 65_535) return;
  const message = `SALLYPORT_PORT_OFFSET puts ${name} on port ${port}, with its private one 1000 above: there is no such port`;
  throw new CommandError(message, exitCodes.settings);
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

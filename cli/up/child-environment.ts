import { availableParallelism } from 'node:os';
import type { Environment } from '../environment.ts';
import type { Plan, PlannedServer } from './plan.ts';
import { withAddresses } from './ports.ts';
import { namesOfSecret, type SecretFiles } from './secrets.ts';

export interface ChildEnvironmentInput {
  readonly plan: Plan;
  readonly server: PlannedServer;
  readonly env: Environment;
  readonly files: SecretFiles;
  /** Absolute. */
  readonly dataDir: string;
  /** Setting -> address of a server that is started here. */
  readonly addresses: Environment;
}

/**
 * What one server is told: everything that was given, without the secrets of others. All settings go to all servers, so
 * that each can tell a misspelt one.
 */
export const childEnvironment = (input: ChildEnvironmentInput): Environment => {
  const { plan, server, env, files, dataDir, addresses } = input;
  const withheld = new Set(plan.secrets.filter(({ holders }) => !holders.includes(server.name)).flatMap(namesOfSecret));
  const told = Object.fromEntries(Object.entries(env).filter(([name]) => !withheld.has(name)));
  const defaults = Object.entries(server.defaults ?? {}).map(([name, text]) => [
    name,
    withAddresses(text, plan.servers, env),
  ]);
  return {
    // libuv reads it before any code of the process runs: only a parent can set it.
    UV_THREADPOOL_SIZE: String(availableParallelism() + 4),
    ...Object.fromEntries(defaults),
    ...addresses,
    ...told,
    ...server.settings,
    ...files.get(server.name),
    SALLYPORT_DATA_DIR: dataDir,
  };
};

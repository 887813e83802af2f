/**
 * The MySQL and MariaDB driver: serves audit alone. It waits for nothing longer than its limits, and puts no address, password or row into
 * an error. Never: is asked for a verdict on a request.
 */
import type { Audit } from '../contracts/audit.ts';
import { StoreUnavailable } from '../contracts/store.ts';
import { audit } from './audit.ts';
import { type Link, MySqlRefused, openLink } from './link.ts';
import { migrate } from './migrate.ts';
import type { MySqlTarget } from './target.ts';

export { MySqlRefused } from './link.ts';
export { parseMySqlTarget } from './target.ts';

export interface MySqlAuditOptions {
  readonly target: MySqlTarget;
  /** PEM of the authorities that may have signed the server's certificate. */
  readonly ca?: string;
  /** Whether what is missing in the schema is added. Default `apply`. */
  readonly migrate?: 'apply' | 'check';
}

export interface MySqlAudit {
  /** Whatever is asked of it first brings the schema up to date. */
  readonly audit: Audit;
  /**
   * Asks whether it can be used. @throws MySqlRefused with a readable reason where the server answers and may not be used,
   * StoreUnavailable where it does not answer
   */
  prepare(): Promise<void>;
  close(): Promise<void>;
}

/** Connects at the first need: a server that is away stops nobody from starting. */
export const openMySqlAudit = (options: MySqlAuditOptions): MySqlAudit => {
  const link = openLink(options);
  let prepared: Promise<void> | undefined;
  const prepare = async (): Promise<void> => {
    prepared ??= migrate(link, options.migrate ?? 'apply').catch((error: unknown) => {
      prepared = undefined;
      throw error;
    });
    await prepared;
  };
  const ready: Link = {
    run: (step, limitMs) => prepare().then(() => link.run(step, limitMs)),
    transact: (step, limitMs) => prepare().then(() => link.transact(step, limitMs)),
    close: link.close,
  };
  return {
    audit: audit(ready),
    prepare: () =>
      prepare().catch((error: unknown) => {
        throw error instanceof StoreUnavailable && error.cause instanceof MySqlRefused ? error.cause : error;
      }),
    close: link.close,
  };
};

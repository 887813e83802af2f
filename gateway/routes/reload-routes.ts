import type { Log } from '@sallyport/kit/log';
import type { RulesReading } from './effective-rules.ts';
import type { Adoption } from './route-source.ts';

/** Puts all of a reading in force, or nothing of it. */
export interface RouteAdopter {
  adopt(reading: RulesReading): Adoption | Promise<Adoption>;
}

export interface ReloadRoutesOptions {
  readonly read: () => Promise<RulesReading>;
  readonly source: RouteAdopter;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
}

export interface ReloadStats {
  /** Tables that were put in force after the first. */
  readonly adopted: number;
  /** Readings that were refused. */
  readonly refused: number;
  /** The last reading was good: what the file says is in force. */
  readonly isCurrent: boolean;
}

export interface RouteReloader {
  /** Reads again and puts it in force; a bad reading is logged and leaves the table as it is. Never rejects. */
  reload(reason: string): Promise<void>;
  stats(): ReloadStats;
}

/** One reading at a time; whoever asks meanwhile gets another one after it, so that no change is missed. */
export const createRouteReloader = ({ read, source, log }: ReloadRoutesOptions): RouteReloader => {
  let adopted = 0;
  let refused = 0;
  let isCurrent = true;
  let last: Promise<void> = Promise.resolve();
  let isQueued = false;

  const refuse = (reason: string, problems: readonly string[]): void => {
    refused += 1;
    isCurrent = false;
    for (const problem of problems) log.error({ problem }, 'route file refused');
    log.error({ reason, problems: problems.length }, 'the routes before it stay in force');
  };

  const run = async (reason: string): Promise<void> => {
    isQueued = false;
    const reading = await read();
    const adoption = await source.adopt(reading);
    if (!adoption.ok) {
      refuse(reason, adoption.problems);
      return;
    }
    adopted += 1;
    isCurrent = true;
    for (const warning of reading.warnings) log.warn({ warning }, 'route file');
    log.info({ reason, routes: adoption.routes }, 'routes reloaded');
  };

  const reload = (reason: string): Promise<void> => {
    if (isQueued) return last;
    isQueued = true;
    last = last.then(() => run(reason)).catch((error: unknown) => refuse(reason, [messageOf(error)]));
    return last;
  };
  return Object.freeze({ reload, stats: () => ({ adopted, refused, isCurrent }) });
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'cannot be used');

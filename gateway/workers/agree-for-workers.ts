import { createLedger, type Note } from '../limits/ledger.ts';
import {
  limitsModeOf,
  maxLedgerKeys,
  type OpenLimits,
  type OpenLimitsOptions,
  openAgreement,
} from '../limits/open-limits.ts';
import { type SharedCounters, sharedGcra } from '../limits/shared-gcra.ts';
import type { SpentMessage } from './messages.ts';

export interface AgreeingForWorkers extends Omit<OpenLimits, 'make'> {
  /** Takes what a worker has let through. */
  readonly note: (spent: readonly SpentMessage[]) => void;
}

const maxPages = 1024;

/** One process agrees once with other gateways: the main thread, about the counters that its workers share. */
export const agreeForWorkers = async (
  options: OpenLimitsOptions,
  counters: SharedCounters,
  thread: number,
): Promise<AgreeingForWorkers> => {
  if (limitsModeOf(options.settings) !== 'agreed') return { note: () => undefined, close: async () => undefined };
  const ledger = createLedger({ maxKeys: maxLedgerKeys });
  const makeGcra = sharedGcra(counters, thread);
  const pages = new Map<string, Note>();

  const pageOf = ({ name, numbers }: SpentMessage): Note => {
    const id = `${numbers.perMinute} ${numbers.burst} ${name}`;
    const known = pages.get(id);
    if (known !== undefined) return known;
    // A reload brings others; what stands on a page that is let go is told all the same.
    if (pages.size >= maxPages) pages.clear();
    const page = ledger.open({ name, numbers, raise: makeGcra(name, numbers).raise });
    pages.set(id, page);
    return page;
  };
  return {
    ...(await openAgreement(options, ledger)),
    note: (spent) => {
      for (const each of spent) pageOf(each)(each.key, each.count);
    },
  };
};

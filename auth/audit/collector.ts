import type { Random } from '@sallyport/kit/random';
import type {
  Audit,
  AuditOrigin,
  AuditRecord,
  AuditSpool,
  ChainHead,
  ChainLink,
} from '@sallyport/storage/contracts/audit';
import { sealRecords } from './chain.ts';
import type { RecordMacs } from './record-macs.ts';

export interface CollectorOptions {
  readonly spool: Pick<AuditSpool, 'collectAudit'>;
  readonly node: string;
  readonly random: Pick<Random, 'bytes'>;
  readonly macs: Pick<RecordMacs, 'stamp'>;
  /** The trail, where it is kept in the same store: records are sealed as they are written, as far as nobody else seals just then. */
  readonly trail?: Pick<Audit, 'readChainHead'> | undefined;
}

export interface Collector extends Pick<Audit, 'appendAudit'> {
  /** Records that were sealed as they were written. */
  readonly sealed: number;
}

/** A run of numbers, without a gap, of this process. */
export const newBoot = (node: string, random: Pick<Random, 'bytes'>): AuditOrigin => ({
  node,
  boot: random.bytes(8).toString('hex'),
  number: 1,
});

const withoutOrigin = ({ origin: _, ...record }: AuditRecord): AuditRecord => record;

/**
 * Where the drain puts audit records: the store of the acts, each with node, boot and number. Where it is not known whether numbers were
 * given, they are not given again: a new boot begins.
 */
export const createCollector = ({ spool, node, random, trail, macs }: CollectorOptions): Collector => {
  let next = newBoot(node, random);
  let head: ChainHead | undefined;
  let sealed = 0;
  let queue: Promise<unknown> = Promise.resolve();

  /** As if all of them were new: else the store gives no seals. */
  const linkTo = async (records: readonly AuditRecord[]): Promise<ChainLink | undefined> => {
    if (trail === undefined || records.length === 0) return undefined;
    const expected = head ?? (await trail.readChainHead());
    const numbered = records.map((record, index) => ({ ...record, origin: { ...next, number: next.number + index } }));
    return { expected, seals: sealRecords(expected, numbered, random).map(({ seal }) => seal) };
  };

  const collect = async (given: readonly AuditRecord[]): Promise<void> => {
    // Which boot wrote it is part of what is shown; its number is not known before the store has it.
    const records = given.map((record) => withoutOrigin(macs.stamp({ ...record, origin: next })));
    const chain = await linkTo(records);
    head = undefined;
    try {
      const collected = await spool.collectAudit(records, next, chain);
      next = { ...next, number: next.number + collected.fresh };
      if (!collected.sealed) return;
      sealed += collected.fresh;
      head = chain?.seals.at(-1);
    } catch (error) {
      next = newBoot(node, random);
      throw error;
    }
  };
  return {
    appendAudit: (records) => {
      const done = queue.then(() => collect(records));
      queue = done.catch(() => undefined);
      return done;
    },
    get sealed() {
      return sealed;
    },
  };
};

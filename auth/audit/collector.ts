import type { Random } from '@sallyport/kit/random';
import type { Audit, AuditOrigin, AuditRecord, AuditSpool } from '@sallyport/storage/contracts/audit';

export interface CollectorOptions {
  readonly spool: Pick<AuditSpool, 'collectAudit'>;
  readonly node: string;
  readonly random: Pick<Random, 'bytes'>;
}

/** A run of numbers, without a gap, of this process. */
export const newBoot = (node: string, random: Pick<Random, 'bytes'>): AuditOrigin => ({
  node,
  boot: random.bytes(8).toString('hex'),
  number: 1,
});

/**
 * Where the drain puts audit records: the store of the acts, each with node, boot and number. Where it is not known whether numbers were
 * given, they are not given again: a new boot begins.
 */
export const createCollector = ({ spool, node, random }: CollectorOptions): Pick<Audit, 'appendAudit'> => {
  let next = newBoot(node, random);
  let queue: Promise<unknown> = Promise.resolve();
  const collect = async (records: readonly AuditRecord[]): Promise<void> => {
    try {
      const fresh = await spool.collectAudit(records, next);
      next = { ...next, number: next.number + fresh };
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
  };
};

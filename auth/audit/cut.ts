import type { EpochMs } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { Audit } from '@sallyport/storage/contracts/audit';
import type { CheckpointKeys } from './checkpoints.ts';

export interface CutOptions {
  readonly audit: Pick<Audit, 'findCut' | 'cutAudit'>;
  readonly keys: CheckpointKeys;
  readonly clock: Clock;
}

/**
 * One step of retention by age: the beginning of the chain goes, and a signed checkpoint says where it was cut, so that what is left can
 * be checked. Only what stands in front of everything younger goes. Returns how many went.
 */
export const createCut =
  ({ audit, keys, clock }: CutOptions) =>
  async ({ keepMs, limit }: { readonly keepMs: number; readonly limit: number }): Promise<number> => {
    const last = await audit.findCut({ keepMs, limit });
    return last === undefined ? 0 : audit.cutAudit(keys.sign('cut', last, clock.nowMs() as EpochMs));
  };

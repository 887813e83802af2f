/** What the command line may do with the audit trail, without a running server: verify it, list it, export it. */

import type { Clock } from '@sallyport/kit/clock';
import { systemRandom } from '@sallyport/kit/random';
import type { AuditFilter, AuditRecord } from '@sallyport/storage/contracts/audit';
import type { Storage } from '@sallyport/storage/contracts/storage';
import { readCheckpointFile } from './audit/sinks/checkpoint-file.ts';
import { type AuditReport, verifyTrail } from './audit/verify.ts';
import type { AuthSettings } from './config.ts';
import { checkpointFileOf, type OpenedAudit, openAudit } from './open-audit.ts';

export interface AuditMaintenance {
  /** `checkpoints`: a file with the second copy; default: AUDIT_CHECKPOINT_FILE. */
  verify(checkpoints?: string): Promise<AuditReport>;
  /** Newest first, page by page. */
  list(filter: AuditFilter): Promise<readonly AuditRecord[]>;
  /** PEM of the key that checkpoints are signed with. */
  publicKey(): string;
  close(): Promise<void>;
}

export const openAuditMaintenance = async (
  settings: AuthSettings,
  storage: Pick<Storage, 'audit' | 'auditSpool'>,
  clock: Clock,
): Promise<AuditMaintenance> => {
  const opened = await openAudit({ settings, storage, clock, random: systemRandom });
  return { ...createAuditReader({ settings, opened, storage, clock }), close: opened.close };
};

/** The same of a trail that is open already. */
export const createAuditReader = ({
  settings,
  opened: { trail, keys, macs, isElsewhere },
  storage,
  clock,
}: {
  readonly settings: AuthSettings;
  readonly opened: Pick<OpenedAudit, 'trail' | 'keys' | 'macs' | 'isElsewhere'>;
  readonly storage: Pick<Storage, 'auditSpool'>;
  readonly clock: Clock;
}): Omit<AuditMaintenance, 'close'> => ({
  verify: async (checkpoints = checkpointFileOf(settings)) =>
    verifyTrail({
      audit: trail,
      keys,
      macs,
      copies: await readCheckpointFile(checkpoints),
      nowMs: clock.nowMs(),
      ...(isElsewhere && { spool: storage.auditSpool }),
    }),
  list: (filter) => trail.listAudit(filter),
  publicKey: () => keys.publicPem,
});

import type { RealmId } from '@sallyport/contract';
import type { RevocationSubject } from '../../contracts/revocations.ts';
import type { Transaction } from '../transaction.ts';

const insert = `INSERT INTO revocations (realm_id, kind, subject, minimum_epoch, cause, at_ms, expires_at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?)`;

/** `lifetimeMs`: the longest access lifetime and the leeway; after that no token is left that the entry could refuse. */
export const appendRevocation = (
  tx: Transaction,
  entry: {
    readonly realmId: RealmId;
    readonly subject: RevocationSubject;
    readonly cause: string;
    readonly lifetimeMs: number;
  },
): void => {
  const [subject, epoch] = subjectColumns(entry.subject);
  tx.run(insert, entry.realmId, entry.subject.kind, subject, epoch, entry.cause, tx.nowMs, tx.nowMs + entry.lifetimeMs);
};

const subjectColumns = (subject: RevocationSubject): [string, number | null] => {
  switch (subject.kind) {
    case 'session':
      return [subject.sessionId, null];
    case 'user':
      return [subject.userId, subject.minimumEpoch];
    case 'key':
      return [subject.kid, null];
  }
};

import { uuidToBytes } from '@sallyport/kit/random';
import type { AuditRecord } from '../../contracts/audit.ts';
import type { Transaction } from '../transaction.ts';
import { dataWithoutPerson, isErased } from './erasure.ts';

const insert = `INSERT INTO audit (effect_id, realm_id, event_type, actor, user_id, session_id, address, user_agent, request_id, details, at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

export const appendAudit = (tx: Transaction, records: readonly AuditRecord[]): void => {
  for (const record of records) {
    const erased = isErased(tx, record.userId);
    tx.run(
      insert,
      uuidToBytes(record.effectId),
      record.realmId,
      record.eventType,
      record.actor,
      record.userId ?? null,
      record.sessionId ?? null,
      erased ? null : (record.address ?? null),
      erased ? null : (record.userAgent ?? null),
      record.requestId,
      erased ? dataWithoutPerson(record.details) : record.details,
      record.atMs,
    );
  }
};

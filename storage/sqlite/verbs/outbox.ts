import { uuidToBytes } from '@sallyport/kit/random';
import type { OutboxEvent } from '../../contracts/outbox.ts';
import type { Transaction } from '../transaction.ts';
import { dataWithoutPerson, isErased } from './erasure.ts';

const insert = `INSERT INTO outbox (effect_id, realm_id, type, version, key, data, at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

export const appendEvents = (tx: Transaction, events: readonly OutboxEvent[]): void => {
  for (const event of events) {
    tx.run(
      insert,
      uuidToBytes(event.effectId),
      event.realmId,
      event.type,
      event.version,
      event.key,
      isErased(tx, event.key) ? dataWithoutPerson(event.data) : event.data,
      event.atMs,
    );
  }
};

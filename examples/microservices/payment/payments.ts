import type { UserId } from '@sallyport/contract';
import { inTransaction, openDatabase } from '../service/database.ts';

export interface Payment {
  readonly id: string;
  /** In the currency's smallest unit. */
  readonly minorUnits: number;
  readonly currency: string;
  readonly description: string;
  readonly createdAtMs: number;
}

/** What a payment has to tell the notification service. */
export interface Announcement {
  /** The payment's id: telling it twice makes one notification. */
  readonly id: string;
  readonly userId: string;
  readonly text: string;
}

export interface Payments {
  /** Stores the payment and its announcement in one transaction: neither is there without the other. */
  create(userId: UserId, payment: Pick<Payment, 'minorUnits' | 'currency' | 'description'>, text: string): Payment;
  /** Newest first, at most `limit`, older than the payment `before`. */
  list(userId: UserId, limit: number, before: string | undefined): readonly Payment[];
  find(userId: UserId, id: string): Payment | undefined;
  /** Oldest first. */
  waiting(limit: number): readonly Announcement[];
  /** Told, or refused for good: it leaves the queue. A refused one stays in the table, marked. */
  settle(id: string, outcome: 'told' | 'refused'): void;
  readonly isReady: () => boolean;
  readonly close: () => void;
}

const tables = `
  CREATE TABLE IF NOT EXISTS payments (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    minor_units INTEGER NOT NULL CHECK (minor_units > 0),
    currency TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS payments_of_user ON payments (user_id, id);
  CREATE TABLE IF NOT EXISTS outbox (
    id TEXT PRIMARY KEY REFERENCES payments (id),
    user_id TEXT NOT NULL,
    text TEXT NOT NULL,
    refused INTEGER NOT NULL DEFAULT 0
  ) STRICT`;

export interface PaymentsParts {
  readonly createId: () => string;
  readonly nowMs: () => number;
}

/** Every query names the user: an id alone opens nothing. */
export const openPayments = (dataDir: string, { createId, nowMs }: PaymentsParts): Payments => {
  const database = openDatabase(dataDir, 'payment-service', tables);
  const insert = database.prepare('INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?)');
  const announce = database.prepare('INSERT INTO outbox (id, user_id, text) VALUES (?, ?, ?)');
  const page = database.prepare('SELECT * FROM payments WHERE user_id = ? AND id < ? ORDER BY id DESC LIMIT ?');
  const one = database.prepare('SELECT * FROM payments WHERE user_id = ? AND id = ?');
  const waiting = database.prepare('SELECT id, user_id, text FROM outbox WHERE refused = 0 ORDER BY id LIMIT ?');
  const told = database.prepare('DELETE FROM outbox WHERE id = ?');
  const refused = database.prepare('UPDATE outbox SET refused = 1 WHERE id = ?');
  return {
    create: (userId, { minorUnits, currency, description }, text) => {
      const payment: Payment = { id: createId(), minorUnits, currency, description, createdAtMs: nowMs() };
      return inTransaction(database, () => {
        insert.run(payment.id, userId, minorUnits, currency, description, payment.createdAtMs);
        announce.run(payment.id, userId, text);
        return payment;
      });
    },
    // 'g' stands behind every hexadecimal id.
    list: (userId, limit, before = 'g') => page.all(userId, before, limit).map(paymentOf),
    find: (userId, id) => {
      const row = one.get(userId, id);
      return row && paymentOf(row);
    },
    waiting: (limit) =>
      waiting.all(limit).map((row) => ({
        id: String(row['id']),
        userId: String(row['user_id']),
        text: String(row['text']),
      })),
    settle: (id, outcome) => {
      (outcome === 'told' ? told : refused).run(id);
    },
    isReady: () => database.isOpen,
    close: () => database.close(),
  };
};

const paymentOf = (row: Readonly<Record<string, unknown>>): Payment => ({
  id: String(row['id']),
  minorUnits: Number(row['minor_units']),
  currency: String(row['currency']),
  description: String(row['description']),
  createdAtMs: Number(row['created_at_ms']),
});

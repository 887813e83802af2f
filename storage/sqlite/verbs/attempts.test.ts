import { DatabaseSync } from 'node:sqlite';
import { defaultRealm, type EpochMs } from '@sallyport/contract';
import { expect, it } from 'vitest';
import { migrate } from '../migrate.ts';
import { createStatements, createTransaction } from '../transaction.ts';
import { reserveAttempt } from './attempts.ts';

it('keeps no row of a guess for ever: guesses at accounts that do not exist cannot fill the disk', () => {
  const db = new DatabaseSync(':memory:');
  migrate(db, () => db.exec('BEGIN'), 0);
  const statements = createStatements(db);
  const rows = () => Number(db.prepare('SELECT count(*) AS rows FROM counters').get()?.['rows']);
  const guess = (nowMs: number, subject: string) =>
    reserveAttempt(createTransaction(statements, nowMs as EpochMs), {
      realmId: defaultRealm,
      attemptId: subject,
      gates: [{ purpose: 'login-account', subject, limit: 10, windowMs: 60_000 }],
      leaseMs: 1000,
    });
  const dayMs = 86_400_000;
  for (let count = 0; count < 80; count += 1) guess(0, `nobody-${count}`);
  expect(rows()).toBe(80);
  for (let count = 0; count < 12; count += 1) guess(dayMs, `later-${count}`);
  expect(rows()).toBe(12);
  db.close();
});

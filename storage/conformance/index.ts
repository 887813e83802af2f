/**
 * The conformance suite: what every driver must show, concurrency included, unmodified. A driver's own test opens a store and
 * calls `describeStorage`; nothing here knows which driver it is. It never asserts how a driver does a thing.
 */
import { afterAll, beforeAll, describe } from 'vitest';
import { accountsConformance } from './accounts.ts';
import { auditConformance } from './audit.ts';
import { auditSpoolConformance } from './audit-spool.ts';
import { canariesConformance } from './canaries.ts';
import { countersConformance } from './counters.ts';
import { credentialsConformance } from './credentials.ts';
import { devicesConformance } from './devices.ts';
import { effectsConformance } from './effects.ts';
import { housekeepingConformance } from './housekeeping.ts';
import { keysConformance } from './keys.ts';
import { noncesConformance } from './nonces.ts';
import { outboxConformance } from './outbox.ts';
import { recoveryConformance } from './recovery.ts';
import { revocationsConformance } from './revocations.ts';
import { rootKeysConformance } from './root-keys.ts';
import { sessionsConformance } from './sessions.ts';
import type { Conformance, StoreUnderTest } from './store-under-test.ts';

const suites: readonly Conformance[] = [
  // First: its records are of now, and others move the clock.
  (store) => auditConformance(() => ({ audit: store().storage.audit, second: store().second.audit })),
  auditSpoolConformance,
  accountsConformance,
  sessionsConformance,
  devicesConformance,
  noncesConformance,
  countersConformance,
  keysConformance,
  credentialsConformance,
  canariesConformance,
  effectsConformance,
  outboxConformance,
  revocationsConformance,
  housekeepingConformance,
  rootKeysConformance,
  // Last: it ends what the others have begun.
  recoveryConformance,
];

export const describeStorage = (name: string, open: () => Promise<StoreUnderTest>): void => {
  describe(`${name} conforms`, () => {
    let opened: StoreUnderTest;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.close());
    for (const suite of suites) suite(() => opened);
  });
};

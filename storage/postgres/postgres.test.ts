import { afterAll, beforeAll, describe } from 'vitest';
import { auditElsewhereConformance } from '../conformance/audit.ts';
import { describeStorage } from '../conformance/index.ts';
import type { Storage } from '../contracts/storage.ts';
import { openTestStore } from './testing/open-test-store.ts';
import { anyPostgres, isAnyPostgresMissing } from './testing/start-postgres.ts';

describe.skipIf(isAnyPostgresMissing())('a PostgreSQL', () => {
  describeStorage('postgres', async () => {
    const { url, schema, stop } = await anyPostgres();
    const clockOffset = new SharedArrayBuffer(8);
    const open = () => openTestStore(url, { schema, clockOffset });
    const [storage, second] = await Promise.all([open(), open()]);
    const advance = (ms: number) => void Atomics.add(new BigInt64Array(clockOffset), 0, BigInt(ms));
    const close = () => Promise.all([storage.close(), second.close()]).then(stop);
    return { storage, second, advance, close };
  });

  describe('that keeps audit alone', () => {
    let opened: Storage;
    let stopIt: () => Promise<void>;
    beforeAll(async () => {
      const { url, schema, stop } = await anyPostgres();
      opened = await openTestStore(url, { schema });
      stopIt = stop;
    });
    afterAll(() => opened.close().then(() => stopIt()));
    auditElsewhereConformance(() => ({ audit: opened.audit, second: opened.audit }));
  });
});

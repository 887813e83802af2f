import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import { describe } from 'vitest';
import { describeStorage } from '../conformance/index.ts';
import { openPostgres, parseTarget } from './index.ts';
import { anyPostgres, isAnyPostgresMissing } from './testing/start-postgres.ts';

describe.skipIf(isAnyPostgresMissing())('a PostgreSQL', () => {
  describeStorage('postgres', async () => {
    const { url, schema, stop } = await anyPostgres();
    const clockOffset = new SharedArrayBuffer(8);
    const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
    const parts = { target: parseTarget(url), schema, sealer, random: systemRandom, clockOffset };
    const open = () => openPostgres({ ...parts, revocationLifetimeMs: 960_000 });
    const [storage, second] = await Promise.all([open(), open()]);
    const advance = (ms: number) => void Atomics.add(new BigInt64Array(clockOffset), 0, BigInt(ms));
    const close = async () => void (await Promise.all([storage.close(), second.close()]).finally(stop));
    return { storage, second, advance, close };
  });
});

import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SealedRecord } from '@sallyport/storage/contracts/audit';
import { expect, it } from 'vitest';
import { newRecords, sealAll, trails } from '../testing/trails.ts';
import { startJsonLines } from './json-lines.ts';

it('goes on behind its own last whole line: nothing is missing or doubled after a crash in the middle of one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-lines-'));
  const path = join(folder, 'below', 'audit.jsonl');
  const trail = await trails.SQLite();
  const follow = async () => {
    const errors: unknown[] = [];
    await startJsonLines({ audit: trail.audit, path, intervalMs: 5, onError: (error) => errors.push(error) })();
    expect(errors).toEqual([]);
  };
  try {
    await trail.audit.appendAudit(newRecords(5));
    await sealAll(trail.audit);
    await follow();
    appendFileSync(path, readFileSync(path, 'utf8').split('\n')[0]?.slice(0, 40) ?? '');
    await trail.audit.appendAudit(newRecords(700));
    await sealAll(trail.audit);
    await follow();
    await follow();
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as SealedRecord)).toEqual(await trail.audit.readSealed(0, 1000));
  } finally {
    await trail.close();
    rmSync(folder, { recursive: true });
  }
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openDataFolder } from './data-folder.ts';
import { readPlan } from './plan.ts';
import { startTable } from './table.ts';

it('says so when a folder was another preset’s before, and how to keep both apart', () => {
  const parent = mkdtempSync(join(tmpdir(), 'sallyport-folder-'));
  onTestFinished(() => rmSync(parent, { recursive: true }));
  const path = join(parent, 'data');
  const tableOf = (preset: string): string => {
    const folder = openDataFolder(path, preset, new Date(0));
    folder.release();
    return startTable({ plan: readPlan(preset), started: [], env: {}, folder });
  };
  expect(tableOf('microservices')).not.toContain('accounts');
  const second = tableOf('cookie-spa');
  expect(second).toContain('accounts  also those of the preset microservices');
  expect(second).toContain(`SALLYPORT_DATA_DIR=${path}-cookie-spa`);
  expect(tableOf('cookie-spa')).not.toContain('accounts');
});

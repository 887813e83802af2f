/**
 * `npm run generate` writes every generated file; with `--check` it writes nothing, names those that are stale and fails.
 * Owns: the list below. A maker stands in its own file under `generate/` and returns the whole text of one file.
 */
import { dirname } from 'node:path';
import { auditLogsScript } from '@sallyport/storage/mysql/script';
import { adminApiPage, apiPage } from './generate/api-page.ts';
import { cliPage } from './generate/cli-page.ts';
import { errorsPage } from './generate/errors-page.ts';
import { eventsPage } from './generate/events-page.ts';
import { adminApiFile, openApiFile } from './generate/openapi.ts';
import { type Output, staleFiles, writeAll } from './generate/outputs.ts';
import { presetsWithExamples } from './generate/parts/description.ts';
import { partsPicture } from './generate/parts/picture.ts';
import { envExample, settingsPage } from './generate/settings-page.ts';

const root = dirname(import.meta.dirname);

const outputs: readonly Output[] = [
  { file: 'docs/generated/admin-api.md', make: adminApiPage },
  { file: 'docs/generated/api.md', make: apiPage },
  { file: 'docs/generated/cli.md', make: cliPage },
  { file: 'docs/generated/errors.md', make: errorsPage },
  { file: 'docs/generated/events.md', make: eventsPage },
  { file: 'docs/generated/openapi.json', make: openApiFile },
  { file: 'docs/generated/admin-openapi.json', make: adminApiFile },
  { file: 'docs/generated/settings.md', make: settingsPage },
  { file: '.env.example', make: envExample },
  { file: 'scripts/database/update_audit_logs.sql', make: auditLogsScript },
  ...presetsWithExamples(root).map((preset) => ({
    file: `examples/${preset}/parts.svg`,
    make: partsPicture(root, preset),
  })),
];

if (process.argv.includes('--check')) {
  const stale = await staleFiles(root, outputs);
  for (const file of stale) console.log(`${file} is stale: run npm run generate`);
  if (stale.length > 0) process.exitCode = 1;
} else {
  for (const file of await writeAll(root, outputs)) console.log(`wrote ${file}`);
}

/**
 * Who may import whom, and what may stand where: architecture.md as data, checked on every file.
 * Owns: the tables below. How each is checked stands in `import-rules/`.
 * `node tools/import-rules.ts [root]` prints one line per violation and fails when there is one.
 */
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { barrels } from './import-rules/barrels.ts';
import { cycles } from './import-rules/cycles.ts';
import { externals } from './import-rules/externals.ts';
import { insideLayers } from './import-rules/inside-layers.ts';
import { names } from './import-rules/names.ts';
import { packageLayers } from './import-rules/package-layers.ts';
import { purity } from './import-rules/purity.ts';
import type { Rules } from './import-rules/rules.ts';
import { readTree } from './import-rules/source.ts';
import { sqlText } from './import-rules/sql-text.ts';
import { testCode } from './import-rules/test-code.ts';
import type { Violation } from './import-rules/violation.ts';

/** What stands above the rooms: nothing below may import it. */
const top = ['main.ts', 'server.ts', 'app.ts'];

export const rules: Rules = {
  /** Package -> what it may import of other packages: a package with all its entries, or one entry and what is below it. */
  packages: {
    contract: { imports: [] },
    kit: { imports: ['contract'] },
    verify: { imports: ['contract'], typesOnly: ['contract/routes'] },
    client: { imports: ['contract'], typesOnly: ['contract/routes'] },
    storage: { imports: ['contract', 'kit'] },
    auth: { imports: ['contract', 'kit', 'storage', 'verify'] },
    gateway: { imports: ['contract', 'kit', 'verify', 'storage/contracts', 'storage/redis'] },
    cli: {
      imports: [
        ...['client', 'contract', 'storage'],
        ...['auth/maintenance', 'auth/server', 'auth/main', 'auth/relay'],
        ...['gateway/maintenance', 'gateway/server', 'gateway/main'],
      ],
    },
    console: { imports: ['client', 'contract'] },
    'examples/kit': { imports: ['verify', 'client', 'contract'] },
    'examples/*': { imports: ['verify', 'client', 'contract', 'example-kit'] },
    tests: { imports: ['*'] },
    bench: { imports: ['*'] },
    tools: { imports: ['*'] },
  },

  /**
   * Inside a package: main -> server -> app -> rooms. The first area whose `files` match a file decides. `imports`,
   * `except` and `typesOnly` are paths in the package, `<own>` is the file's own folder; `packages` narrows the table above.
   */
  inside: {
    auth: [
      { area: 'main', files: ['main.ts'], imports: ['server.ts', 'config.ts'] },
      {
        area: 'server',
        files: ['server.ts'],
        imports: ['*.ts', 'presets/**', 'settings/**', 'tokens/**', 'factors/**', 'audit/**', 'outbox/**'],
        except: ['main.ts'],
      },
      { area: 'app', files: ['app.ts', 'admin-app.ts'], imports: ['**'], except: ['main.ts', 'server.ts'] },
      { area: 'maintenance', files: ['maintenance.ts', 'operations.ts'], imports: ['**'], except: top },
      {
        area: 'composition',
        files: ['*.ts', 'presets/**', 'settings/**'],
        imports: ['*.ts', 'presets/**', 'settings/**', 'tokens/**', 'factors/**', 'audit/**', 'outbox/**'],
        except: top,
      },
      {
        area: 'tokens',
        files: ['tokens/**'],
        imports: ['<own>/**'],
        typesOnly: ['config.ts', 'route.ts'],
        packages: ['contract', 'kit', 'storage/contracts', 'verify'],
      },
      {
        area: 'factors',
        files: ['factors/**'],
        imports: ['<own>/**'],
        typesOnly: ['config.ts', 'route.ts'],
        packages: ['contract', 'kit', 'storage/contracts'],
      },
      {
        area: 'room',
        files: ['*/**'],
        imports: ['<own>/**', 'tokens/**', 'factors/factor.ts'],
        typesOnly: ['config.ts', 'route.ts', 'operations.ts'],
        packages: ['contract', 'kit', 'storage/contracts', 'verify'],
      },
    ],
    gateway: [
      { area: 'main', files: ['main.ts'], imports: ['server.ts', 'config.ts'] },
      { area: 'server', files: ['server.ts'], imports: ['**'], except: ['main.ts', 'steps/**'] },
      { area: 'app', files: ['app.ts'], imports: ['**'], except: ['main.ts', 'server.ts'] },
      { area: 'worker', files: ['workers/worker.ts'], imports: ['**'], except: ['main.ts', 'server.ts'] },
      { area: 'maintenance', files: ['maintenance.ts'], imports: ['**'], except: ['main.ts', 'server.ts'] },
      { area: 'part', files: ['**'], imports: ['**'], except: top },
    ],
  },

  /** Modules from npm or Node that only some files may import. */
  externals: [
    {
      modules: ['node:sqlite', 'postgres', 'ioredis', 'redis', '@redis/client', 'mysql2', '@platformatic/kafka'],
      only: ['storage/**', 'auth/outbox/sinks/**', 'examples/**', 'bench/**'],
      because: 'a driver stands behind a storage contract',
    },
    {
      modules: ['@opentelemetry'],
      only: ['kit/tracing.ts', 'verify/trace/**'],
      because: 'spans leave by one door that is loaded where it is asked for, and a service brings an API of its own',
    },
    {
      modules: ['*'],
      within: ['contract/**'],
      only: ['contract/routes.ts', 'contract/admin-routes.ts', 'contract/*-schemas.ts', 'contract/events.ts'],
      because: 'contract depends on nothing; only its routes, their schemas and events use typebox',
    },
  ],

  /** Pure files: values in, a verdict out. No async, no clock, no chance, no I/O; values only from pure files and `contract`. */
  pure: {
    files: ['{auth,gateway}/**/policy.ts', '{auth,gateway}/**/rotation.ts'],
    packages: ['contract'],
    globals: [
      ...['Promise', 'Date', 'performance', 'process', 'crypto', 'fetch', 'console', 'globalThis', 'Temporal'],
      ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'Math.random'],
    ],
  },

  /** Files that may consist of re-exports only, beside the entries in a package's `exports`: the explicit lists. */
  lists: [
    ...['**/storage/index.ts', '**/factors/index.ts', '**/steps/index.ts'],
    ...['**/sinks/index.ts', '**/presets/index.ts', '**/routes/index.ts'],
  ],

  /** A name that says nothing about what is inside. */
  namesRefused: ['util', 'utils', 'helper', 'helpers'],

  /** Where SQL text may stand. */
  sql: { only: ['storage/**', 'examples/**', 'bench/**'] },

  /** Tests, and what serves only tests. They may import any package entry; product code may not import them. */
  tests: ['**/*.test.ts', 'tests/**', '**/testing/**', 'storage/conformance/**', 'tools/**', '*.config.ts'],
};

const checks = [packageLayers, insideLayers, externals, purity, cycles, barrels, names, sqlText, testCode];

/** Every violation below `root`, ordered by file and line. */
export function checkTree(root: string, table: Rules = rules): Violation[] {
  const tree = readTree(root, table.tests);
  return [...tree.violations, ...checks.flatMap((check) => check(tree, table))].sort(
    (a, b) => a.file.localeCompare(b.file) || a.line - b.line,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const violations = checkTree(resolve(process.argv[2] ?? dirname(import.meta.dirname)));
  for (const { file, line, rule, message } of violations) console.log(`${file}:${line} ${rule}: ${message}`);
  if (violations.length > 0) process.exitCode = 1;
}

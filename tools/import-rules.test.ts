import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkTree } from './import-rules.ts';

type Tree = Readonly<Record<string, string>>;

/** A small Sallyport that breaks no rule, and uses every freedom that a rule leaves. */
const clean: Tree = {
  'contract/package.json': '{ "exports": { ".": "./index.ts", "./routes": "./routes.ts" } }',
  'contract/index.ts': `export * from './errors.ts';`,
  'contract/errors.ts': `export const code = 'DELETE /auth/account';`,
  'contract/routes.ts': `import { Type } from 'typebox';\nexport const route = Type.Null();`,
  'kit/package.json': '{ "exports": { "./*": "./*.ts" } }',
  'kit/log.ts': `import { code } from '@sallyport/contract';\nexport const log = code;`,
  'verify/package.json': '{}',
  'verify/verify.ts': `import type { route } from '@sallyport/contract/routes';\nexport type Route = typeof route;`,
  'storage/package.json': '{}',
  'storage/index.ts': `export { open } from './sqlite/open.ts';`,
  'storage/contracts/sessions.ts': `export interface Session { readonly id: string }`,
  'storage/sqlite/open.ts': `import { DatabaseSync } from 'node:sqlite';\nexport const open = () => new DatabaseSync('x').exec('SELECT 1');`,
  'auth/package.json': '{ "exports": { "./main": "./main.ts" } }',
  'auth/main.ts': `import { start } from './server.ts';\nstart();`,
  'auth/server.ts': `import { open } from '@sallyport/storage';\nimport { app } from './app.ts';\nexport const start = () => [app, open];`,
  'auth/app.ts': `import { login } from './login/login.ts';\nimport { refresh } from './refresh/refresh.ts';\nexport const app = [login, refresh];`,
  'auth/config.ts': `export interface Config { readonly a: string }`,
  'auth/maintenance.ts': `export { login } from './login/login.ts';\nexport const now = 1;`,
  'auth/login/login.ts': [
    `import type { Session } from '@sallyport/storage/contracts/sessions';`,
    `import { log } from '@sallyport/kit/log';`,
    `import type { Config } from '../config.ts';`,
    `import { factor } from '../factors/factor.ts';`,
    `import { issue } from '../tokens/issue.ts';`,
    `import { verdict } from './policy.ts';`,
    'export const login = (a: Session, b: Config) => [a, b, log, factor, issue, verdict];',
  ].join('\n'),
  'auth/login/policy.ts': [
    `import { code } from '@sallyport/contract';`,
    `import type { Config } from '../config.ts';`,
    'interface Facts { readonly process: string; readonly times: { readonly Date: number } }',
    'export const verdict = (facts: Facts, c: Config) => [facts.process, facts.times.Date, { process: 1 }, code, c, Math.max(1, 2)];',
  ].join('\n'),
  'auth/login/login.test.ts': `import { open } from '@sallyport/storage/sqlite';\nimport { refresh } from '../refresh/refresh.ts';\nopen('SELECT * FROM users', refresh);`,
  'auth/refresh/refresh.ts': `export const refresh = 'Select a session from the list below';`,
  'auth/tokens/issue.ts': `export const issue = 1;`,
  'auth/factors/factor.ts': `export const factor = 1;`,
  'auth/factors/index.ts': `export { factor } from './factor.ts';`,
  'gateway/package.json': '{}',
  'gateway/app.ts': `import type { Session } from '@sallyport/storage/contracts/sessions';\nexport const app: Session[] = [];`,
  'cli/package.json': '{}',
  'cli/main.ts': `await import('@sallyport/auth/main');`,
  'examples/kit/package.json': '{ "exports": { "./run": "./run.ts" } }',
  'examples/kit/run.ts': `import { verify } from '@sallyport/verify';\nexport const run = verify;`,
  'examples/shop/package.json': '{}',
  'examples/shop/main.ts': `import { DatabaseSync } from 'node:sqlite';\nimport { verify } from '@sallyport/verify';\nexport const text = ['INSERT INTO t VALUES (1)', verify, DatabaseSync];`,
};

/** What is planted on top of the clean tree, and where it must be seen: rule, file, line. */
const planted: readonly (readonly [what: string, tree: Tree, rule: string, file: string, line: number])[] = [
  ['contract imports kit', { 'contract/a.ts': `import '@sallyport/kit/log';` }, 'package-layer', 'contract/a.ts', 1],
  ['kit imports storage', { 'kit/a.ts': `\nimport '@sallyport/storage';` }, 'package-layer', 'kit/a.ts', 2],
  ['verify imports kit', { 'verify/a.ts': `import '@sallyport/kit/log';` }, 'package-layer', 'verify/a.ts', 1],
  ['storage imports auth', { 'storage/a.ts': `import '@sallyport/auth/main';` }, 'package-layer', 'storage/a.ts', 1],
  ['auth imports gateway', { 'auth/a.ts': `import '@sallyport/gateway/main';` }, 'package-layer', 'auth/a.ts', 1],
  [
    'gateway imports a driver',
    { 'gateway/a.ts': `import '@sallyport/storage/sqlite';` },
    'package-layer',
    'gateway/a.ts',
    1,
  ],
  ['gateway imports auth', { 'gateway/a.ts': `import '@sallyport/auth/main';` }, 'package-layer', 'gateway/a.ts', 1],
  ['cli imports kit', { 'cli/a.ts': `import '@sallyport/kit/log';` }, 'package-layer', 'cli/a.ts', 1],
  [
    'an example imports auth',
    { 'examples/shop/a.ts': `import '@sallyport/auth/main';` },
    'package-layer',
    'examples/shop/a.ts',
    1,
  ],
  [
    'an example imports another one',
    { 'examples/shop/a.ts': `import '@sallyport/example-bank/main';` },
    'package-layer',
    'examples/shop/a.ts',
    1,
  ],
  [
    "the examples' floor imports an example",
    { 'examples/kit/package.json': '{}', 'examples/kit/a.ts': `import '@sallyport/example-shop/main';` },
    'package-layer',
    'examples/kit/a.ts',
    1,
  ],
  [
    'an import hidden in import()',
    { 'kit/a.ts': `await import('@sallyport/storage');` },
    'package-layer',
    'kit/a.ts',
    1,
  ],
  [
    'an import hidden in a type',
    { 'kit/a.ts': `export type A = import('@sallyport/storage').A;` },
    'package-layer',
    'kit/a.ts',
    1,
  ],
  [
    'an import hidden in a re-export',
    { 'kit/a.ts': `export const a = 1;\nexport * from '@sallyport/storage';` },
    'package-layer',
    'kit/a.ts',
    2,
  ],
  [
    'a package without a table',
    { 'new/package.json': '{}', 'new/a.ts': `import '@sallyport/kit/log';` },
    'package-layer',
    'new/a.ts',
    1,
  ],
  [
    'verify takes a value from the routes',
    { 'verify/a.ts': `import { route } from '@sallyport/contract/routes';\nexport const a = [route];` },
    'types-only',
    'verify/a.ts',
    1,
  ],
  [
    'a relative import across packages',
    { 'auth/a.ts': `import '../kit/log.ts';` },
    'relative-across-packages',
    'auth/a.ts',
    1,
  ],
  [
    'a relative import across packages from a test',
    { 'tests/a.test.ts': `import '../kit/log.ts';` },
    'relative-across-packages',
    'tests/a.test.ts',
    1,
  ],
  ['a package names itself', { 'kit/a.ts': `import '@sallyport/kit/log';` }, 'own-package-by-name', 'kit/a.ts', 1],
  ['main imports app', { 'auth/main.ts': `import './app.ts';` }, 'inside-layer', 'auth/main.ts', 1],
  ['server imports a room', { 'auth/server.ts': `import './login/login.ts';` }, 'inside-layer', 'auth/server.ts', 1],
  [
    'a room imports the app',
    { 'auth/logout/a.ts': `import type {} from '../app.ts';` },
    'inside-layer',
    'auth/logout/a.ts',
    1,
  ],
  [
    'a room imports another room',
    { 'auth/logout/a.ts': `import '../login/login.ts';` },
    'inside-layer',
    'auth/logout/a.ts',
    1,
  ],
  [
    'a room imports a type of another room',
    { 'auth/logout/a.ts': `import type { A } from '../login/login.ts';\nexport type B = A;` },
    'inside-layer',
    'auth/logout/a.ts',
    1,
  ],
  [
    'a room imports one factor',
    { 'auth/logout/a.ts': `import '../factors/password.ts';` },
    'inside-layer',
    'auth/logout/a.ts',
    1,
  ],
  [
    'a room imports settings as values',
    { 'auth/logout/a.ts': `import { read } from '../config.ts';\nread();` },
    'inside-layer',
    'auth/logout/a.ts',
    1,
  ],
  [
    'a room imports the list of drivers',
    { 'auth/logout/a.ts': `import '@sallyport/storage';` },
    'inside-layer',
    'auth/logout/a.ts',
    1,
  ],
  [
    'tokens import a room',
    { 'auth/tokens/a.ts': `import '../login/login.ts';` },
    'inside-layer',
    'auth/tokens/a.ts',
    1,
  ],
  [
    'a step imports the pipeline',
    { 'gateway/steps/a.ts': `import '../app.ts';` },
    'inside-layer',
    'gateway/steps/a.ts',
    1,
  ],
  ['a database driver outside storage', { 'auth/a.ts': `import 'node:sqlite';` }, 'external', 'auth/a.ts', 1],
  ['a part of a driver outside storage', { 'kit/a.ts': `import 'mysql2/promise';` }, 'external', 'kit/a.ts', 1],
  ['OpenTelemetry past its door', { 'auth/a.ts': `import '@opentelemetry/api';` }, 'external', 'auth/a.ts', 1],
  ['contract depends on something', { 'contract/a.ts': `import 'node:crypto';` }, 'external', 'contract/a.ts', 1],
  [
    'a policy that waits',
    { 'auth/logout/policy.ts': `export const a = async () => 1;` },
    'pure',
    'auth/logout/policy.ts',
    1,
  ],
  [
    'a policy that asks the clock',
    { 'auth/logout/policy.ts': `export const a = 1;\nexport const b = () => Date.now();` },
    'pure',
    'auth/logout/policy.ts',
    2,
  ],
  [
    'a policy that makes a date',
    { 'auth/logout/policy.ts': `export const a = (b: number, c = new Date(b)) => c;` },
    'pure',
    'auth/logout/policy.ts',
    1,
  ],
  [
    'a rotation that throws dice',
    { 'auth/tokens/rotation.ts': `export const a = () => Math.random();` },
    'pure',
    'auth/tokens/rotation.ts',
    1,
  ],
  [
    'a rotation that reads the environment',
    { 'auth/tokens/rotation.ts': `export const a = () => process.env;` },
    'pure',
    'auth/tokens/rotation.ts',
    1,
  ],
  [
    'a rotation that promises',
    { 'auth/tokens/rotation.ts': `export const a = () => Promise.resolve(1);` },
    'pure',
    'auth/tokens/rotation.ts',
    1,
  ],
  [
    'a rotation that uses Node',
    { 'auth/tokens/rotation.ts': `import { hash } from 'node:crypto';\nexport const a = hash;` },
    'pure',
    'auth/tokens/rotation.ts',
    1,
  ],
  [
    'a policy that calls what is not pure',
    { 'auth/login/policy.ts': `import { login } from './outcome.ts';\nexport const verdict = login;` },
    'pure',
    'auth/login/policy.ts',
    1,
  ],
  ['a cycle of two', { 'kit/a.ts': `import './b.ts';`, 'kit/b.ts': `\nimport './a.ts';` }, 'cycle', 'kit/a.ts', 1],
  [
    'a cycle of types',
    {
      'kit/a.ts': `import type { B } from './b.ts';\nexport type A = B;`,
      'kit/b.ts': `import type { A } from './a.ts';\nexport type B = A;`,
    },
    'cycle',
    'kit/a.ts',
    1,
  ],
  [
    'a cycle of three',
    { 'kit/a.ts': `import './b.ts';`, 'kit/b.ts': `import './c.ts';`, 'kit/c.ts': `import './a.ts';` },
    'cycle',
    'kit/a.ts',
    1,
  ],
  ['a file that imports itself', { 'kit/a.ts': `import './a.ts';` }, 'cycle', 'kit/a.ts', 1],
  ['a barrel', { 'auth/login/index.ts': `export * from './login.ts';` }, 'barrel', 'auth/login/index.ts', 1],
  [
    'a barrel in two steps',
    { 'auth/login/all.ts': `import { login } from './login.ts';\nexport { login };` },
    'barrel',
    'auth/login/all.ts',
    1,
  ],
  ['a file called utils', { 'kit/utils.ts': 'export const a = 1;' }, 'name', 'kit/utils.ts', 1],
  ['a folder called helpers', { 'kit/helpers/a.ts': 'export const a = 1;' }, 'name', 'kit/helpers/a.ts', 1],
  ['a name with utils in it', { 'kit/url-utils.ts': 'export const a = 1;' }, 'name', 'kit/url-utils.ts', 1],
  ['SQL in a room', { 'auth/logout/a.ts': `\nexport const a = 'SELECT id FROM users';` }, 'sql', 'auth/logout/a.ts', 2],
  [
    'SQL in a template',
    { 'kit/a.ts': 'export const a = (t: string) => `\n  update $' + '{t} set x = 1`;' },
    'sql',
    'kit/a.ts',
    1,
  ],
  ...[
    'INSERT INTO t VALUES (1)',
    'DELETE FROM t',
    'CREATE TABLE t (a)',
    'PRAGMA user_version',
    'SELECT 1',
    'INSERT OR IGNORE INTO t',
  ].map(
    (text) => [`SQL: ${text}`, { 'gateway/a.ts': `export const a = '${text}';` }, 'sql', 'gateway/a.ts', 1] as const,
  ),
  [
    'product code that imports a test',
    { 'kit/a.ts': `import './testing/clock.ts';`, 'kit/testing/clock.ts': '' },
    'test-in-product',
    'kit/a.ts',
    1,
  ],
  ['product code that imports vitest', { 'kit/a.ts': `import 'vitest';` }, 'test-in-product', 'kit/a.ts', 1],
  ['a file that does not parse', { 'kit/a.ts': 'export const = 1;' }, 'parse', 'kit/a.ts', 1],
];

let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sallyport-rules-'));
});

afterEach(() => rm(root, { recursive: true }));

async function plant(tree: Tree): Promise<void> {
  for (const [path, text] of Object.entries(tree)) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

test('a clean tree passes', async () => {
  await plant(clean);
  expect(checkTree(root)).toEqual([]);
});

describe('each planted violation is named, and nothing else is', () => {
  test.each(planted)('%s', async (_what, tree, rule, file, line) => {
    await plant({ ...clean, ...tree });
    const found = checkTree(root).map((violation) => [violation.rule, violation.file, violation.line]);
    expect(found).toEqual([[rule, file, line]]);
  });
});

test('every rule has a planted violation', async () => {
  const rules = new Set(planted.map(([, , rule]) => rule));
  expect([...rules].sort()).toEqual([
    'barrel',
    'cycle',
    'external',
    'inside-layer',
    'name',
    'own-package-by-name',
    'package-layer',
    'parse',
    'pure',
    'relative-across-packages',
    'sql',
    'test-in-product',
    'types-only',
  ]);
});

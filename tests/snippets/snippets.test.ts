/**
 * Everything that the documentation offers for copying is held true here: TypeScript is type-checked as strictly as the repository is,
 * JavaScript, JSON, YAML and shell are parsed, and the commands in shell exist. Whatever says `run` is run by `npm run prove -- snippets`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { allBlocks, type Block, isShell, placeOf, root } from './blocks.ts';
import { unknownCommands } from './shell-commands.ts';

const of = (...languages: readonly string[]): readonly Block[] =>
  allBlocks.filter(({ language }) => languages.includes(language));

// Below the root, so that packages are found as they would be in a project.
const output = join(root, 'test-output');
mkdirSync(output, { recursive: true });
const folder = mkdtempSync(join(output, 'snippets-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Languages that a parser or a compiler of this test reads, drawings, and answers of servers. */
const read = ['ts', 'js', 'json', 'yaml', '', 'text', 'http'];

it('every block is read here, runs, or says why not', () => {
  const silent = allBlocks.filter(
    ({ language, markers }) =>
      !read.includes(language) &&
      !('run' in markers) &&
      !('not run' in markers) &&
      !('tested' in markers) &&
      !('file' in markers),
  );
  expect(silent.map(placeOf)).toEqual([]);
});

it('a reason is a sentence, and a test that is named takes the block from there', () => {
  for (const block of allBlocks) {
    const { 'not run': reason, tested } = block.markers;
    if (reason !== undefined) expect(`${placeOf(block)}: ${reason}`).toMatch(/: \S+ \S+ \S+/);
    if (tested === undefined) continue;
    expect(`${placeOf(block)}: ${existsSync(join(root, tested))}`).toBe(`${placeOf(block)}: true`);
    const source = readFileSync(join(root, tested), 'utf8');
    expect(source).toContain(block.file.split('/').at(-1)?.replace('.md', ''));
  }
});

it('TypeScript compiles, as strictly as this repository does', () => {
  writeFileSync(join(folder, 'issuer-jwks.json'), JSON.stringify({ keys: [{ kty: 'RSA', alg: 'RS256' }] }));
  writeFileSync(
    join(folder, 'views.ts'),
    'export const showApp = (): void => undefined;\nexport const showLogin = (_cause: string): void => undefined;\n',
  );
  const names = of('ts').map((block, index) => {
    const name = `${block.file.replaceAll(/\W/g, '-')}-${block.line}-${index}.ts`;
    writeFileSync(join(folder, name), `${block.code}\n${block.markers.given ?? ''}\nexport {};\n`);
    return name;
  });
  expect(names.length).toBeGreaterThan(10);
  const settings = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { typeRoots: [join(root, 'node_modules/@types')] },
    include: ['.'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  const check = (): string => {
    const { stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' });
    return stdout;
  };
  expect(check()).toBe('');
  // That a mistake would be seen.
  writeFileSync(join(folder, 'wrong.ts'), "import '@sallyport/client';\nconst wrong: number = 'text';\n");
  expect(check()).toContain('wrong.ts');
});

it.each(of('js').map((block) => [placeOf(block), block] as const))('%s is JavaScript', (_place, { code }) => {
  const file = join(folder, 'snippet.mjs');
  writeFileSync(file, code);
  execFileSync(process.execPath, ['--check', file], { stdio: 'pipe' });
});

it.each(of('json').map((block) => [placeOf(block), block] as const))('%s is JSON', (_place, { code }) => {
  expect(() => JSON.parse(code)).not.toThrow();
});

it.each(of('yaml').map((block) => [placeOf(block), block] as const))('%s is YAML', (_place, { code }) => {
  expect(parseDocument(code, { strict: true, uniqueKeys: true }).errors).toEqual([]);
});

describe('shell', () => {
  it('is parsed by bash', () => {
    const wrong = allBlocks.filter(isShell).flatMap((block) => {
      // `<kid>`: what the reader puts there.
      const filled = block.code.replaceAll(/<[a-z][a-z ]*>/gi, 'X');
      const { status, stderr } = spawnSync('bash', ['-n'], { input: filled, encoding: 'utf8' });
      return status === 0 ? [] : [`${placeOf(block)}: ${stderr}`];
    });
    expect(wrong).toEqual([]);
  });

  it('gives commands and options that exist', () => {
    const wrong = allBlocks
      .filter(isShell)
      .flatMap((block) => unknownCommands(block.code).map((each) => `${placeOf(block)}: ${each}`));
    expect(wrong).toEqual([]);
  });

  it.each([
    ['npm run -s sallyport -- users improt people.csv', /there is no improt/],
    ['FOO=1 npx sallyport audit verify --fast', /verify has no --fast/],
    ['LIST=$(sallyport keys list --jsn)', /list has no --jsn/],
  ])('%s would be seen', (code, problem) => {
    expect(unknownCommands(code)[0]).toMatch(problem);
  });

  it('starts with `npm start` what can be started', () => {
    const presets = allBlocks
      .filter(isShell)
      .flatMap(({ code }) => [...code.matchAll(/npm start(?: -- ([a-z-]+))?/g)].map(([, preset]) => preset));
    const known = ['microservices', 'cookie-spa', 'edge-gateway', 'event-driven', 'device-chat', undefined];
    expect(presets.filter((preset) => !known.includes(preset))).toEqual([]);
  });
});

/**
 * Every dependency stands at one exact version: an install of today and one of next year are the same, and a new release of somebody
 * else's package runs nowhere before somebody has looked at it. Peer dependencies are ranges: they are what a user brings.
 * `node tools/pins.ts` names each that is not, and fails. Owns: what counts as exact. Never: looks at a registry.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

type Manifest = Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;

const pinned = ['dependencies', 'devDependencies', 'optionalDependencies'] as const;
/** A version, or one under an alias: `npm:typescript@6.0.1`. */
const exact = /^(?:npm:(?:@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/;

export const unpinned = (manifest: Manifest): readonly string[] =>
  pinned.flatMap((kind) =>
    Object.entries(manifest[kind] ?? {})
      .filter(([, version]) => !exact.test(version))
      .map(([name, version]) => `${kind} ${name} ${version}`),
  );

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const root = dirname(import.meta.dirname);
  const exclude = ['**/node_modules/**', 'dist/**', 'test-output/**', 'data*/**', 'docs/site/.build/**'];
  for (const file of globSync('**/package.json', { cwd: root, exclude })) {
    for (const found of unpinned(JSON.parse(readFileSync(join(root, file), 'utf8')) as Manifest)) {
      console.log(`${file}: ${found}: write one exact version`);
      process.exitCode = 1;
    }
  }
}

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolders } from './folders.ts';
import { runOrThrow } from './run-or-throw.ts';

interface PackedFile {
  readonly path: string;
}

interface Packed {
  readonly name: string;
  readonly filename: string;
  readonly size: number;
  readonly files: readonly PackedFile[];
}

export interface Tarball {
  readonly name: string;
  /** Absolute. */
  readonly file: string;
  readonly bytes: number;
}

/** Packs what was compiled, as npm would upload it. @throws Error where something is in a tarball that nobody should be sent */
export const packTarballs = (compiled: string, output: string): readonly Tarball[] => {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const folders = packageFolders.map((folder) => `./${folder}`);
  const args = ['pack', ...folders, '--ignore-scripts', '--json', '--loglevel=error', '--pack-destination', output];
  const packed = JSON.parse(runOrThrow('npm', args, { cwd: compiled })) as readonly Packed[];
  const strange = packed.flatMap(({ name, files }) =>
    files.filter(({ path }) => isStrange(path)).map(({ path }) => `${name}: ${path}`),
  );
  if (strange.length > 0) throw new Error(`these would be published and should not:\n${strange.join('\n')}`);
  return packed.map(({ name, filename, size }) => ({ name, file: join(output, filename), bytes: size }));
};

/** Sources, tests, and whatever is neither code nor a page. */
const isStrange = (path: string): boolean =>
  !/(\.js|\.d\.ts|\.json|\.css|\.html|\.svg|\.md|^LICENSE)$/.test(path) || /(\.test\.|(^|\/)testing\/)/.test(path);

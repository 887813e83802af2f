/**
 * npm leaves a package for another platform out of package-lock.json when it could not be read at that moment
 * (npm/cli#4828), and `npm ci` then refuses the whole file. This names what is missing; `--complete` adds it.
 * An added entry has no integrity: npm writes it in as soon as it can read the package.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface LockedPackage {
  readonly version?: string;
  readonly dev?: true;
  readonly optional?: true;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Path (`node_modules/vitest`) -> entry, as in `packages` of the lock file. */
export type Packages = Readonly<Record<string, LockedPackage>>;

/** The entries that optional dependencies at exact versions ask for and the lock file lacks. */
export function missingPackages(packages: Packages): Record<string, LockedPackage> {
  const missing: Record<string, LockedPackage> = {};
  for (const [path, { optionalDependencies = {}, dev }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (resolve(packages, path, name)?.version === version || !/^\d+\.\d+\.\d+$/.test(version)) continue;
      const { cpu, libc, os } = platformOf(name);
      missing[besides(path, name)] = { version, ...cpu, ...(dev && { dev }), ...libc, optional: true, ...os };
    }
  }
  return missing;
}

/** As Node looks a package up: in the folder's own node_modules, then in each one above. */
function resolve(packages: Packages, path: string, name: string): LockedPackage | undefined {
  for (let folder = path; ; folder = above(folder)) {
    const found = packages[join(folder, 'node_modules', name)];
    if (found !== undefined || folder === '') return found;
  }
}

function above(folder: string): string {
  const cut = folder.lastIndexOf('/node_modules/');
  if (cut !== -1) return folder.slice(0, cut);
  return '';
}

/** In the same node_modules as the package that asks for it. */
function besides(path: string, name: string): string {
  const cut = path.lastIndexOf('node_modules/');
  return join(cut === -1 ? path : path.slice(0, cut), 'node_modules', name);
}

/** Packages for one platform say so in their name: `@scope/cli-linux-arm64-musl`. */
function platformOf(name: string) {
  const words = name.split(/[/-]/);
  const of = (known: readonly string[]): string[] => known.filter((word) => words.includes(word));
  const os = of(['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32', 'aix', 'sunos', 'netbsd', 'openbsd']);
  const cpu = of(['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'wasm32']);
  const libc = of(['musl', 'gnu']).map((word) => (word === 'gnu' ? 'glibc' : word));
  return { cpu: cpu.length > 0 && { cpu }, libc: libc.length > 0 && { libc }, os: os.length > 0 && { os } };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = join(dirname(import.meta.dirname), 'package-lock.json');
  const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Packages };
  const missing = missingPackages(lock.packages);
  const complete = process.argv.includes('--complete');
  for (const [path, { version }] of Object.entries(missing))
    console.log(`${complete ? 'added' : 'missing'} ${path} ${version}`);
  if (complete) {
    const all = Object.entries({ ...lock.packages, ...missing }).sort(([a], [b]) => a.localeCompare(b, 'en'));
    writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(all) }, null, 2)}\n`);
  } else if (Object.keys(missing).length > 0) {
    console.log('package-lock.json is not complete: run node tools/lock-file.ts --complete');
    process.exitCode = 1;
  }
}

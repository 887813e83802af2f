import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOrThrow } from './run-or-throw.ts';
import type { Tarball } from './tarballs.ts';
import { withServers } from './with-servers.ts';

const presets = ['cookie-spa', 'edge-gateway', 'device-chat', 'event-driven'] as const;

export interface TriedInstalled {
  readonly packagesInstalled: number;
  /** What `installed/log-in.mjs` printed. */
  readonly login: unknown;
  /** Every other preset that the installed command line brought to `ready`. */
  readonly presets: readonly string[];
}

/**
 * The tarballs in an empty folder, as somebody's project would have them, without install scripts: their declarations compile, and what
 * the installed command line starts is logged into with the installed client and checked by the installed verifier.
 * @param node which Node runs it
 */
export const tryInstalled = async (
  root: string,
  tarballs: readonly Tarball[],
  node: string,
): Promise<TriedInstalled> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-installed-'));
  try {
    const packagesInstalled = install(folder, tarballs);
    checkTypes(root, folder);
    const start = (preset: string, env: Readonly<Record<string, string>> = {}) => ({
      node,
      args: ['node_modules/@sallyport/cli/main.js', 'up', preset],
      cwd: folder,
      env: { SALLYPORT_DATA_DIR: join(folder, `data-${preset}`), ...env },
    });
    // Verified without a shared secret, as by a service that somebody else runs.
    const login = await withServers(start('microservices', { JWT_ALGORITHM: 'ES256' }), (offset) => {
      const [gateway, issuer, issuerPrivate] = [8080, 8081, 9081].map((port) => `http://localhost:${port + offset}`);
      cpSync(join(import.meta.dirname, 'installed', 'log-in.mjs'), join(folder, 'log-in.mjs'));
      const args = ['log-in.mjs', String(gateway), String(issuer), String(issuerPrivate)];
      return JSON.parse(runOrThrow(node, args, { cwd: folder })) as unknown;
    });
    for (const preset of presets) await withServers(start(preset), () => undefined);
    return { packagesInstalled, login, presets };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const install = (folder: string, tarballs: readonly Tarball[]): number => {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'somebody', private: true, type: 'module' }));
  const fixed = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--json'];
  const { added } = JSON.parse(runOrThrow('npm', [...fixed, ...tarballs.map(({ file }) => file)], { cwd: folder })) as {
    readonly added: number;
  };
  return added;
};

/** Without `skipLibCheck`: the declarations themselves are compiled as well. */
const checkTypes = (root: string, folder: string): void => {
  const project = join(folder, 'types');
  mkdirSync(project);
  cpSync(join(import.meta.dirname, 'installed', 'types.ts'), join(project, 'types.ts'));
  const compilerOptions = {
    ...{ noEmit: true, strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false },
    ...{ target: 'es2024', lib: ['es2024', 'dom'], module: 'nodenext', types: ['node'] },
    typeRoots: [join(root, 'node_modules/@types')],
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['types.ts'] }));
  runOrThrow(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], { cwd: folder });
};

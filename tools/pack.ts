/**
 * `npm run pack`: the packages as they are published, judged and tried. Compiles them, packs them, has publint and attw judge the tarballs,
 * installs those in an empty folder without install scripts and logs in; installs the repository as production does and starts an issuer;
 * asks for known vulnerabilities of what ships. The tarballs are in `dist/tarballs`; `npm publish` is a person's act.
 * Owns: the order. Never: uploads anything, or changes a file that git knows.
 */
import { dirname, join } from 'node:path';
import { auditProduction } from './pack/audit.ts';
import { compilePackages } from './pack/compile.ts';
import { judgeTarballs } from './pack/judge.ts';
import { tryProductionInstall } from './pack/production-install.ts';
import { packTarballs } from './pack/tarballs.ts';
import { tryInstalled } from './pack/try-installed.ts';

const root = dirname(import.meta.dirname);
const [compiled, output] = [join(root, 'dist/packages'), join(root, 'dist/tarballs')];
/** Another Node to run the installed packages on: `SALLYPORT_PACK_NODE=/usr/bin/node npm run pack`. */
const node = process.env['SALLYPORT_PACK_NODE'] ?? process.execPath;

/** What a step returns as text is why it could not be taken. */
const step = async <T>(name: string, act: () => T | Promise<T>): Promise<T> => {
  const began = performance.now();
  const said = (word: string): void =>
    console.log(`${name.padEnd(40)} ${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${word}`);
  try {
    const result = await act();
    said(typeof result === 'string' ? `NOT ASKED: ${result}` : 'ok');
    return result;
  } catch (error) {
    said('FAILED');
    throw error;
  }
};

try {
  await step('compile', () => compilePackages(root, compiled));
  const tarballs = await step('pack', () => packTarballs(compiled, output));
  await step('publint and attw', () => judgeTarballs(tarballs));
  const tried = await step('install, start, log in', () => tryInstalled(root, tarballs, node));
  const production = await step('production install of the repository', () => tryProductionInstall(root));
  const notAsked = await step('npm audit --omit=dev', () => auditProduction(root));
  const required = process.env['SALLYPORT_REQUIRE_SERVICES'] === '1';
  if (notAsked !== undefined && required) throw new Error(`npm audit could not be asked: ${notAsked}`);
  const sizes = Object.fromEntries(tarballs.map(({ name, bytes }) => [name, bytes]));
  const audit = notAsked === undefined ? 'clean' : `NOT ASKED: ${notAsked}`;
  console.log(JSON.stringify({ tarballBytes: sizes, installed: tried, production, audit }, null, 2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

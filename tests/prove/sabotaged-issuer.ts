import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One change of one source file: the text has to be there exactly once, or the twin would prove nothing. */
export interface Sabotage {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Inside the repository, so that the copy finds the same packages. */
const output = fileURLToPath(new URL('../../test-output/', import.meta.url));

/** A copy of the issuer with one thing broken, to be started by `startIssuer(folder, 0, entry)`. */
export const sabotagedIssuer = ({ file, find, replace }: Sabotage): { readonly entry: string; remove(): void } => {
  const source = dirname(fileURLToPath(import.meta.resolve('@sallyport/auth/main')));
  mkdirSync(output, { recursive: true });
  const folder = mkdtempSync(join(output, 'auth-'));
  cpSync(source, folder, { recursive: true, filter: (path) => !/node_modules|\.test\.ts$/.test(path) });
  const text = readFileSync(join(folder, file), 'utf8');
  if (text.split(find).length !== 2) throw new Error(`${file} does not hold the text exactly once: ${find}`);
  writeFileSync(
    join(folder, file),
    text.replace(find, () => replace),
  );
  return { entry: join(folder, 'main.ts'), remove: () => rmSync(folder, { recursive: true, force: true }) };
};

import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolders } from './folders.ts';
import { publishedManifest, type WorkspaceManifest } from './published-manifest.ts';
import { runOrThrow } from './run-or-throw.ts';

/** What goes into a package beside code: pages, tables of servers, readmes. */
const assets = '**/*.{json,css,html,svg,md}';
const notPublished = ['**/node_modules/**', '**/testing/**', 'package.json'];

/** Every package as it will be published, below `output`. JavaScript and declarations stand where the sources stand here. */
export const compilePackages = (root: string, output: string): void => {
  rmSync(output, { recursive: true, force: true });
  runOrThrow(process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.pack.json'], { cwd: root });
  for (const folder of packageFolders) {
    const [from, to] = [join(root, folder), join(output, folder)];
    for (const file of globSync(assets, { cwd: from, exclude: notPublished })) cpSync(join(from, file), join(to, file));
    cpSync(join(root, 'LICENSE'), join(to, 'LICENSE'));
    const manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as WorkspaceManifest;
    writeFileSync(join(to, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`);
    for (const file of globSync('**/*.d.ts', { cwd: to })) nameCompiledFiles(join(to, file));
  }
};

/** The compiler rewrites the endings in JavaScript alone. Readers of declarations would find their way, tools that resolve them not all. */
const nameCompiledFiles = (file: string): void => {
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replaceAll(/((?:from |import\()["']\.{1,2}\/[^"']+)\.ts(["'])/g, '$1.js$2'));
};

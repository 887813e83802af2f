/**
 * `npm run docs`: the documentation as a site, below `dist/docs`, from the Markdown of the repository: guides, readmes, decisions, and the
 * generated reference. A link that leads nowhere fails it, in the repository and on the site.
 * Owns: the order. Never: changes a page that git knows; the generated ones are those of `npm run generate`.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { assembleSite, sitePages } from './docs/assemble.ts';
import { deadLinks } from './docs/dead-links.ts';
import { writeSiteConfig } from './docs/site-config.ts';
import { installTools } from './install-tools.ts';
import { runOrThrow } from './pack/run-or-throw.ts';

const root = dirname(import.meta.dirname);
const [site, output] = [join(root, 'docs/site'), join(root, 'dist/docs')];
const folder = join(site, '.build');

try {
  const dead = deadLinks(root, sitePages(root));
  if (dead.length > 0) throw new Error(`links that lead nowhere:\n${dead.join('\n')}`);
  installTools(site);
  const pages = assembleSite(root, folder);
  mkdirSync(join(folder, '.vitepress'));
  writeSiteConfig(root, folder, output);
  runOrThrow(process.execPath, [join(site, 'node_modules/vitepress/bin/vitepress.js'), 'build', folder], { cwd: site });
  console.log(
    `${pages.length} pages in dist/docs; look at them with: npx --yes serve dist/docs, or any server of files`,
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

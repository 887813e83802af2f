import { cpSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { contents, sitePath } from './contents.ts';
import { relinked, type Target } from './links.ts';

/** Every page of the site, decisions included. */
export const sitePages = (root: string): readonly string[] => [
  ...contents.flatMap(({ pages }) => pages.map(({ source }) => source)),
  ...decisionsOf(root),
];

export const decisionsOf = (root: string): readonly string[] => globSync('docs/adr/*.md', { cwd: root }).sort();

/**
 * Lays out the site's sources in `folder`: pages at their places, with links among them turned to those; files of the repository that pages
 * name, such as sources, beside them as text.
 */
export const assembleSite = (root: string, folder: string): readonly string[] => {
  rmSync(folder, { recursive: true, force: true });
  const pages = sitePages(root);
  const known = new Set(pages);
  const attached = new Set<string>();
  for (const source of pages) {
    const from = posix.dirname(sitePath(source));
    const text = relinked(
      source,
      readFileSync(join(root, source), 'utf8'),
      ({ path, anchor }: Target & { path: string }) => {
        const behind = anchor === '' ? '' : `#${anchor}`;
        const asPage = known.has(path) ? path : `${path}/README.md`;
        if (known.has(asPage)) return `${relative(from, sitePath(asPage))}${behind}`;
        if (statSync(join(root, path)).isDirectory()) return undefined;
        attached.add(path);
        return `/${attachedAt(path)}`;
      },
    );
    const to = join(folder, sitePath(source));
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, text);
  }
  for (const path of attached) cpSync(join(root, path), join(folder, 'public', attachedAt(path)));
  return pages;
};

/** What a browser would not show as text gets a name by which it does. */
const attachedAt = (path: string): string => `files/${path}${/\.(json|txt|svg|png)$/.test(path) ? '' : '.txt'}`;

const relative = (from: string, to: string): string => {
  const path = posix.relative(from, to);
  return path.startsWith('.') ? path : `./${path}`;
};

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decisionsOf } from './assemble.ts';
import { contents, sitePath } from './contents.ts';

/**
 * Writes VitePress its configuration. Dead links fail the build; nothing is fetched from elsewhere, and the
 * search is an index in the page.
 */
export const writeSiteConfig = (root: string, folder: string, output: string): void => {
  const sidebar = [
    ...contents.map(({ title, pages }) => ({
      text: title,
      collapsed: title === 'Examples',
      items: pages.map(({ title: text, source }) => ({ text, link: linkOf(source) })),
    })),
    {
      text: 'Decisions',
      collapsed: true,
      items: decisionsOf(root).map((source) => ({ text: headingOf(root, source), link: linkOf(source) })),
    },
  ];
  const nav = [
    { text: 'Presets', link: linkOf('docs/guides/presets/microservices.md') },
    { text: 'Moving here', link: linkOf('docs/guides/moving/hand-made-jwt.md') },
    { text: 'Reference', link: linkOf('docs/generated/settings.md') },
  ];
  const config = {
    title: 'Sallyport',
    description: 'Authentication for microservices: issuer, gateway, verifier, client',
    outDir: output,
    cacheDir: join(folder, '.cache'),
    // What a reader's own servers answer is not there when the site is built.
    ignoreDeadLinks: 'localhostLinks',
    themeConfig: { nav, sidebar, search: { provider: 'local' }, outline: [2, 3] },
    vite: { build: { target: 'es2022', chunkSizeWarningLimit: 4096 }, logLevel: 'warn' },
  };
  writeFileSync(
    join(folder, '.vitepress/config.mjs'),
    [
      `const config = ${JSON.stringify(config, null, 2)};`,
      // `{id}` at a heading's end is a part of a path, and no attribute. The repository's hosts make the same anchors, which is what links in the pages are written for.
      `const slugify = ${slugify};`,
      `export default { ...config, markdown: { anchor: { slugify }, attrs: { disable: true } } };`,
      '',
    ].join('\n'),
  );
};

const slugify = "(text) => text.toLowerCase().replaceAll(/[^\\p{L}\\p{N}\\s_-]/gu, '').trim().replaceAll(' ', '-')";

const linkOf = (source: string): string =>
  `/${sitePath(source)
    .replace(/(^|\/)index\.md$/, '$1')
    .replace(/\.md$/, '')}`;

const headingOf = (root: string, source: string): string =>
  (/^# (.+)$/m.exec(readFileSync(join(root, source), 'utf8'))?.[1] ?? source).replaceAll('`', '');

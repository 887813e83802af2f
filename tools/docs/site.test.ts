import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { assembleSite, sitePages } from './assemble.ts';
import { contents, sitePath } from './contents.ts';
import { deadLinks } from './dead-links.ts';
import { anchorOf, anchorsOf, relinked, targetsOf } from './links.ts';

const root = dirname(dirname(import.meta.dirname));

it('no link of the documentation leads nowhere, neither to a file nor to a heading', () => {
  expect(deadLinks(root, sitePages(root))).toEqual([]);
});

it('every guide, readme and generated page has its place on the site, once', () => {
  const listed = contents.flatMap(({ pages }) => pages.map(({ source }) => source));
  const there = globSync(
    [
      'README.md',
      'docs/*.md',
      'docs/guides/**/*.md',
      'docs/generated/*.md',
      '{verify,client,cli}/README.md',
      'examples/*/README.md',
    ],
    {
      cwd: root,
    },
  );
  expect([...listed].sort()).toEqual([...there].sort());
  expect(new Set(listed.map(sitePath)).size).toBe(listed.length);
});

it('is laid out so that its links lead from page to page, and to files as text', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-site-'));
  try {
    assembleSite(root, folder);
    const start = readFileSync(join(folder, 'index.md'), 'utf8');
    expect(start).toContain('](./guides/refresh-tokens.md)');
    expect(start).not.toMatch(/\]\(docs\//);
    const example = readFileSync(join(folder, 'examples/microservices.md'), 'utf8');
    expect(example).toContain('](/files/examples/microservices/service/app.ts.txt)');
    expect(readFileSync(join(folder, 'public/files/examples/microservices/service/app.ts.txt'), 'utf8')).toContain(
      'guard',
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('knows a link from code that looks like one', () => {
  const text =
    'See [it](a.md#part), `[no](b.md)`, ![picture](c.svg), [there](https://example.org).\n\n```md\n[no](d.md)\n```\n';
  expect(targetsOf('docs/x.md', text)).toEqual([
    { path: 'docs/a.md', anchor: 'part' },
    { path: 'docs/c.svg', anchor: '' },
  ]);
  expect(
    relinked('docs/x.md', '[in `code`](../tests) and [a](a.md)', ({ path }) => (path === 'tests' ? undefined : '/a')),
  ).toBe('in `code` and [a](/a)');
});

it('makes the anchors that hosts of repositories make', () => {
  expect(anchorOf('`POST` /auth/logout-all: what it does')).toBe('post-authlogout-all-what-it-does');
  expect([...anchorsOf('# One\n\n## Two\n\n```sh\n# no heading\n```\n\n## Two\n')]).toEqual(['one', 'two', 'two-1']);
});

it('sees a link that leads nowhere: no such file, no such heading', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-links-'));
  try {
    writeFileSync(
      join(folder, 'a.md'),
      '# Here\n\n[1](b.md) [2](#here) [3](#there) [4](gone.ts) [5](b.md#not) [6](../out.md)\n',
    );
    writeFileSync(join(folder, 'b.md'), '# There\n');
    expect(deadLinks(folder, ['a.md'])).toEqual([
      'a.md: a.md#there',
      'a.md: gone.ts',
      'a.md: b.md#not',
      'a.md: ../out.md',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pictureOf, presetsWithExamples, readPicture, serversOf } from './description.ts';
import { drawn } from './picture.ts';

const root = dirname(dirname(dirname(import.meta.dirname)));
const text = (path: string): string => readFileSync(join(root, path), 'utf8');

const servers = [
  { name: 'gate', title: 'gateway', port: 8080 },
  { name: 'back', title: 'backend', port: 8082 },
];
const described = {
  title: 'two servers',
  servers: { gate: { lines: ['first'], at: [0, 0] }, back: { lines: [], at: [1, 0] } },
  others: [],
  arrows: [{ from: 'gate', to: 'back', says: 'a & b' }],
} as const;

describe.each(presetsWithExamples(root))('the example %s', (preset) => {
  it('has a picture that names every server that is started, with its port', () => {
    const picture = text(`examples/${preset}/parts.svg`);
    expect(picture).toBe(drawn(readPicture(root, preset)));
    for (const { title, port } of serversOf(root, preset)) expect(picture).toMatch(RegExp(`>${title}<.*>:${port}<`));
    // Whatever shows it asks nobody else for anything.
    expect(picture.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|@import|<script|<image/);
  });

  it('shows it in its README and in its guide, beside how to start it, a first call, how to grow and its settings', () => {
    const readme = text(`examples/${preset}/README.md`);
    expect(readme).toContain('](parts.svg)');
    expect(text(`docs/guides/presets/${preset}.md`)).toContain(`](../../../examples/${preset}/parts.svg)`);
    for (const part of [/<!-- run: start -->/, /<!-- run: here \| prints: /, /^## To grow$/m, /^## Settings$/m])
      expect(readme).toMatch(part);
    for (const { port } of serversOf(root, preset)) expect(readme).toContain(String(port));
    const tests = [...readme.matchAll(/\]\((\S*?tests\/\S+?)\)/g)].map(([, path = '']) => path);
    expect(tests.length).toBeGreaterThan(0);
    for (const path of tests) expect(existsSync(join(root, 'examples', preset, path)), path).toBe(true);
  });
});

it('is not drawn without a server that is started, nor with one that is not', () => {
  expect(drawn(pictureOf(servers, described))).toContain('a &amp; b');
  const more = [...servers, { name: 'new', title: 'new', port: 8083 }];
  expect(() => pictureOf(more, described)).toThrow('no place for new');
  expect(() => pictureOf(servers.slice(0, 1), described)).toThrow('places back');
  expect(() => pictureOf(servers, { ...described, arrows: [{ from: 'gate', to: 'gone' }] })).toThrow('gone');
});

it('is not drawn with words that would run into something else', () => {
  const long = 'what would run into the next box, or over it';
  const arrows = [{ from: 'gate', to: 'back', says: long }];
  expect(() => drawn(pictureOf(servers, { ...described, arrows }))).toThrow('room for');
  const wide = { ...described.servers, back: { lines: [long], at: [1, 0] } } as const;
  expect(() => drawn(pictureOf(servers, { ...described, servers: wide }))).toThrow('room for');
});

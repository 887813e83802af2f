/** The fenced blocks of the documentation, and what stands above each of them about how it is held true. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** What people copy from. Decisions and generated pages tell, and show nothing to be copied. */
export const documents: readonly string[] = [
  'README.md',
  ...globSync(['docs/*.md', 'docs/guides/**/*.md', '{verify,client,cli}/README.md', 'examples/*/README.md'], {
    cwd: root,
  }).sort(),
];

export interface Block {
  readonly file: string;
  /** Of the fence, from 1 on. */
  readonly line: number;
  /** Empty for a drawing. */
  readonly language: string;
  readonly code: string;
  /**
   * `<!-- run: <where> | prints: a | b -->`: `npm run prove -- snippets` runs it there, and it prints these (tests/prove/snippets.ts).
   * `<!-- file: <name> -->`: what is run after it finds it under this name. `<!-- not run: <why> -->`.
   * `<!-- given: <declarations> -->`: what TypeScript is told beside it. `<!-- tested: <file> -->`: the test that takes it from here and runs it.
   */
  readonly markers: Readonly<Partial<Record<MarkerName, string>>>;
}

export type MarkerName = 'run' | 'not run' | 'given' | 'tested' | 'file';

const fence = /^(?<indent> *)```(?<language>[a-z]*)[^\n]*\n(?<code>[\s\S]*?)^\k<indent>```$/gm;
const markersAbove = /(?:^ *<!-- (?:run|not run|given|tested|file): [^\n]*-->\n+)+ *(?![\s\S])/m;

export const blocksOf = (file: string): readonly Block[] => {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(fence)].map((match) => {
    const { language = '', code = '' } = match.groups ?? {};
    const above = markersAbove.exec(text.slice(0, match.index))?.[0] ?? '';
    const markers = [...above.matchAll(/<!-- (run|not run|given|tested|file): (.*?) -->/g)].map(([, name, value]) => [
      name,
      value,
    ]);
    const line = text.slice(0, match.index).split('\n').length;
    return { file, line, language, code, markers: Object.fromEntries(markers) as Block['markers'] };
  });
};

export const allBlocks: readonly Block[] = documents.flatMap(blocksOf);

export const placeOf = ({ file, line }: Block): string => `${file}:${line}`;

export const isShell = ({ language }: Block): boolean => language === 'sh' || language === 'bash';

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  readonly cacheControl: string;
}

/** What every browser of the last three years understands. */
const target = ['es2022', 'chrome111', 'firefox115', 'safari16.4'];
/** As this module is: compiled where it was installed from a registry. */
const pageScript = import.meta.url.endsWith('.ts') ? 'main.ts' : 'main.js';
/** The name holds the content's hash: it never changes. */
const forever = 'public, max-age=31536000, immutable';

/**
 * Everything that the page consists of, by its path, in memory: a path that is not a key of this map does not exist, so there is no way
 * from a path to a file system.
 * @param folder `index.html`, `main.ts`, `app.css` and `icon.svg`
 * @param values what stands in the page for `{{name}}`
 */
export const buildPageFiles = async (
  folder: URL,
  values: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, PageFile>> => {
  const [script, style] = await Promise.all(
    [pageScript, 'app.css'].map((name) => bundle(fileURLToPath(new URL(name, folder)))),
  );
  if (script === undefined || style === undefined) throw new Error('a page has a script and a style');
  const icon = readFileSync(new URL('icon.svg', folder));
  const scriptPath = `/assets/app-${hash(script)}.js`;
  const stylePath = `/assets/app-${hash(style)}.css`;
  const filled: Readonly<Record<string, string>> = { ...values, script: scriptPath, style: stylePath };
  const html = readFileSync(new URL('index.html', folder), 'utf8').replaceAll(
    /\{\{([a-z-]+)\}\}/g,
    (_all, name: string) => escapeAttribute(filled[name] ?? unknownName(name)),
  );
  return new Map<string, PageFile>([
    ['/', { type: 'text/html; charset=utf-8', body: Buffer.from(html), cacheControl: 'no-store' }],
    [scriptPath, { type: 'text/javascript; charset=utf-8', body: script, cacheControl: forever }],
    [stylePath, { type: 'text/css; charset=utf-8', body: style, cacheControl: forever }],
    ['/icon.svg', { type: 'image/svg+xml', body: icon, cacheControl: 'public, max-age=86400' }],
  ]);
};

const bundle = async (entry: string): Promise<Buffer> => {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    target,
    write: false,
    logLevel: 'silent',
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error(`nothing came out of ${entry}`);
  return Buffer.from(output.contents);
};

const hash = (body: Buffer): string => createHash('sha256').update(body).digest('base64url').slice(0, 12);

const escapeAttribute = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');

const unknownName = (name: string): never => {
  throw new Error(`index.html asks for {{${name}}}, which nobody gives`);
};

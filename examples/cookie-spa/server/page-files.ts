import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  readonly cacheControl: string;
}

const folder = new URL('../page/', import.meta.url);
/** What every browser of the last three years understands. */
const target = ['es2022', 'chrome111', 'firefox115', 'safari16.4'];
/** The name holds the content's hash: it never changes. */
const forever = 'public, max-age=31536000, immutable';

/**
 * Everything that the page consists of, by its path, in memory: a path that is not a key of this map does not exist, so there is no way
 * from a path to a file system.
 */
export const buildPageFiles = async (authUrl: string): Promise<ReadonlyMap<string, PageFile>> => {
  const [script, style] = await Promise.all([bundle('main.ts'), bundle('app.css')]);
  const icon = readFileSync(new URL('icon.svg', folder));
  const scriptPath = `/assets/app-${hash(script)}.js`;
  const stylePath = `/assets/app-${hash(style)}.css`;
  const html = readFileSync(new URL('index.html', folder), 'utf8')
    .replace('{{auth-url}}', escapeAttribute(authUrl))
    .replace('{{script}}', scriptPath)
    .replace('{{style}}', stylePath);
  return new Map<string, PageFile>([
    ['/', { type: 'text/html; charset=utf-8', body: Buffer.from(html), cacheControl: 'no-store' }],
    [scriptPath, { type: 'text/javascript; charset=utf-8', body: script, cacheControl: forever }],
    [stylePath, { type: 'text/css; charset=utf-8', body: style, cacheControl: forever }],
    ['/icon.svg', { type: 'image/svg+xml', body: icon, cacheControl: 'public, max-age=86400' }],
  ]);
};

const bundle = async (entry: string): Promise<Buffer> => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, folder))],
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

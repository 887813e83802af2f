import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

/** What a page pays for the SDK: everything in, and what it pays on top for a proof key (helpers that both hold are counted twice). */
it.each([
  ['@sallyport/client', 6_144],
  ['@sallyport/client/proof-key', 1_024],
  ['@sallyport/client/traced-fetch', 640],
])('the bundle of %s is small', async (entry, limitBytes) => {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(import.meta.resolve(entry))],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    metafile: true,
  });
  const [bundle] = outputFiles;
  const sizes = { minified: bundle?.contents.length ?? 0, gzipped: gzipSync(bundle?.contents ?? '').length };
  console.log(`bundle of ${entry}: ${sizes.minified} bytes minified, ${sizes.gzipped} gzipped, of ${limitBytes}`);
  expect(sizes.gzipped).toBeGreaterThan(400);
  expect(sizes.gzipped).toBeLessThanOrEqual(limitBytes);
  // No dependency, and nothing of Node: the same file serves browsers.
  expect(Object.keys(metafile.inputs).filter((path) => !path.includes('client/'))).toEqual([]);
});

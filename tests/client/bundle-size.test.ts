import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

/** What a page pays for the SDK, everything in. */
const limitBytes = 6_144;

it('the client bundle is small', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(import.meta.resolve('@sallyport/client'))],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    metafile: true,
  });
  const [bundle] = outputFiles;
  const sizes = { minified: bundle?.contents.length ?? 0, gzipped: gzipSync(bundle?.contents ?? '').length };
  console.log(`client bundle: ${sizes.minified} bytes minified, ${sizes.gzipped} gzipped, of ${limitBytes}`);
  expect(sizes.gzipped).toBeGreaterThan(500);
  expect(sizes.gzipped).toBeLessThanOrEqual(limitBytes);
  // No dependency, and nothing of Node: the same file serves browsers.
  expect(Object.keys(metafile.inputs).filter((path) => !path.includes('client/'))).toEqual([]);
});

/**
 * The system's Chromium, headless, with an empty profile of its own and no address but loopback ones. Nothing is downloaded: without the
 * program these tests are skipped (`tools/services.ts` says so), and with `SALLYPORT_REQUIRE_SERVICES=1` they fail.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';

const program = 'chromium';

export const isMissing = (): boolean => {
  const missing = spawnSync(program, ['--version'], { stdio: 'ignore' }).error !== undefined;
  if (missing && process.env['SALLYPORT_REQUIRE_SERVICES'] === '1') throw new Error(`${program} is missing`);
  return missing;
};

const pathOf = (): string => spawnSync('which', [program], { encoding: 'utf8' }).stdout.trim();

/** `rules`: what hosts and ports are mapped to. The first that fits counts; every name but localhost leads nowhere. */
export const launch = (rules: readonly string[] = []): Promise<Browser> =>
  chromium.launch({
    executablePath: pathOf(),
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-dev-shm-usage'],
      `--host-resolver-rules=${[...rules, 'MAP localhost 127.0.0.1', 'MAP 127.0.0.1 127.0.0.1', 'MAP * ~NOTFOUND'].join(', ')}`,
    ],
  });

const folder = fileURLToPath(new URL('../../../test-output/browser/', import.meta.url));

/** Kept as test output, to be looked at. */
export const keepScreenshot = async (page: Page, name: string): Promise<void> => {
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}${name}.png`, fullPage: true });
};

/**
 * `npm test [-- filter …]`: every test of the repository through vitest (`vitest.config.ts`), whose command line it takes.
 * The last line is `N passed, N failed`; exit code 0 only when something ran and nothing failed.
 */
import { parseCLI, type Reporter, startVitest, type TestModule } from 'vitest/node';
import { prepareServices } from './services.ts';
import { type Tally, tallyExitCode, tallyLine } from './tally.ts';

if (prepareServices().length > 0 && process.env['SALLYPORT_REQUIRE_SERVICES'] === '1') {
  console.log(tallyLine({ passed: 0, failed: 1, skipped: 0 }));
  process.exit(1);
}
const tally = await runTests(process.argv.slice(2)).catch((error: unknown): Tally => {
  console.error(error);
  return { passed: 0, failed: 1, skipped: 0 };
});
console.log(tallyLine(tally));
process.exit(tallyExitCode(tally));

async function runTests(args: readonly string[]): Promise<Tally> {
  const { filter, options } = parseCLI(['vitest', 'run', ...args]);
  const total = { passed: 0, failed: 0, skipped: 0 };
  const counter: Reporter = {
    onTestRunEnd(modules, unhandledErrors) {
      for (const module of modules) count(module, total);
      total.failed += unhandledErrors.length;
    },
  };
  const vitest = await startVitest(filter, { ...options, watch: false, reporters: ['default', counter] });
  await vitest.close();
  return total;
}

/** A file that did not load, or a suite whose hook threw, has no failed test to show for it: it counts as one itself. */
function count(module: TestModule, total: { passed: number; failed: number; skipped: number }): void {
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    if (state === 'passed') total.passed += 1;
    else if (state === 'skipped') total.skipped += 1;
    else total.failed += 1;
  }
  const broken = [module, ...module.children.allSuites()].filter((suite) => suite.errors().length > 0);
  total.failed += broken.length;
}

import { defineConfig } from 'vitest/config';

const shared = { pool: 'forks', testTimeout: 30_000, hookTimeout: 30_000 } as const;
const alone = ['tests/prove/timing.test.ts', 'tests/prove/gateway/*.test.ts', 'tools/launch.test.ts'];
const never = ['**/node_modules/**', '**/test-output/**', '**/data/**'];

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          name: 'rooms',
          maxWorkers: 3,
          include: ['**/*.test.ts'],
          exclude: [...never, 'tests/**', ...alone],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Whole systems: each file starts servers of its own on free ports, so several may run side by side; much of their time is waiting.
        test: {
          ...shared,
          name: 'system',
          maxWorkers: 3,
          include: ['tests/**/*.test.ts'],
          exclude: [...never, ...alone],
          sequence: { groupOrder: 1 },
        },
      },
      {
        // What measures times wants the machine for itself.
        test: {
          ...shared,
          name: 'alone',
          include: alone,
          exclude: never,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});

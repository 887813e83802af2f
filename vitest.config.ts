import { defineConfig } from 'vitest/config';

const shared = { pool: 'forks', testTimeout: 30_000, hookTimeout: 30_000 } as const;
const never = ['**/node_modules/**', '**/test-output/**', '**/data/**'];

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          name: 'rooms',
          include: ['**/*.test.ts'],
          exclude: [...never, 'tests/**', 'tools/launch.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Whole systems: each file starts its own servers, so one file runs at a time, after all rooms.
        test: {
          ...shared,
          name: 'system',
          include: ['tests/**/*.test.ts', 'tools/launch.test.ts'],
          exclude: never,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

import { defineConfig } from 'vitest/config';
import { endWithParent } from './scripts/workshop/parent.ts';

endWithParent();

// The tests of the workshop itself. Graders are run by `npm run check`, and by the tests in test/proof.
export default defineConfig({
  test: {
    env: { NO_COLOR: '1' },
    setupFiles: ['test/workshop/end-with-parent.ts'],
    maxConcurrency: 6,
    // Only a hanging test ever meets it: machines are slow.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    experimental: { fsModuleCache: true },
    projects: [
      // The graders, as suites: they grade the learner's files, and in `npm test` the solutions.
      {
        extends: true,
        test: {
          name: 'lessons',
          include: ['test/lessons/*.test.ts'],
          setupFiles: ['test/harness/run/vitest.ts'],
          maxWorkers: 2,
        },
      },
      // What grades keeps two processors busy by itself; the others wait for one thing or another, and come after it.
      {
        extends: true,
        test: {
          name: 'graders',
          include: ['test/proof/*.test.ts', 'test/workshop/broken-programs.test.ts'],
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        test: {
          name: 'workshop',
          include: ['test/workshop/*.test.ts', 'test/browser/*.test.ts'],
          exclude: ['test/workshop/broken-programs.test.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

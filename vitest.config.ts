import { defineConfig } from 'vitest/config';

// The tests of the workshop itself. Graders are run by `npm run check`, and by the tests in test/proof.
export default defineConfig({
  test: {
    env: { NO_COLOR: '1' },
    maxConcurrency: 6,
    experimental: { fsModuleCache: true },
    projects: [
      { extends: true, test: { name: 'workshop', include: ['test/proof/*.test.ts', 'test/workshop/*.test.ts'] } },
      // A browser beside the proofs would starve the programs of both: it comes after them.
      { extends: true, test: { name: 'browser', include: ['test/browser/*.test.ts'], sequence: { groupOrder: 1 } } },
    ],
  },
});

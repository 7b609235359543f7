import { defineConfig } from 'vitest/config';

// The tests of the workshop itself. Graders are run by `npm run check`, and by the tests in test/proof.
export default defineConfig({
  test: {
    env: { NO_COLOR: '1' },
    maxConcurrency: 6,
    experimental: { fsModuleCache: true },
    projects: [
      // The proofs keep two processors busy by themselves; the others wait for one thing or another, and come after them.
      { extends: true, test: { name: 'proof', include: ['test/proof/*.test.ts'] } },
      {
        extends: true,
        test: { name: 'workshop', include: ['test/workshop/*.test.ts', 'test/browser/*.test.ts'], maxWorkers: 3, sequence: { groupOrder: 1 } },
      },
    ],
  },
});

import { defineConfig } from 'vitest/config';

// The tests of the workshop itself. Graders are run by `npm run check`, and by the tests in test/proof.
export default defineConfig({
  test: {
    include: ['test/proof/*.test.ts', 'test/workshop/*.test.ts'],
    env: { NO_COLOR: '1' },
    maxConcurrency: 6,
    experimental: { fsModuleCache: true },
  },
});

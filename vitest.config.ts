import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Only this folder: build/ may hold another system's file tree with links out of it.
    include: ['test/**/*.test.ts'],
    // For machines that have much else to do; a case that hangs still ends.
    testTimeout: 60_000,
    // A crash of native code ends one process and is reported as that test's failure.
    pool: 'forks',
  },
});

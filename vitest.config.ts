import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Only this folder: build/ may hold another system's file tree with links out of it.
    include: ['test/**/*.test.ts'],
    // A crash of native code ends one process and is reported as that test's failure.
    pool: 'forks',
  },
});

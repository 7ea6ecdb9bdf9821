import { defineConfig } from 'vitest/config'

// Two projects, because the pack test installs a package and the others do not need one.
const shared = { pool: 'forks', testTimeout: 60_000, hookTimeout: 120_000 } as const

export default defineConfig({
  test: {
    projects: [
      { test: { ...shared, name: 'lib', include: ['test/**/*.test.ts'], exclude: ['test/pack/**'] } },
      { test: { ...shared, name: 'pack', include: ['test/pack/**/*.test.ts'] } },
    ],
  },
})

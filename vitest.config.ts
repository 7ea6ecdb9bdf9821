import { defineConfig } from 'vitest/config'

const shared = { pool: 'forks', testTimeout: 60_000, hookTimeout: 120_000 } as const

/** What measures time or memory, or fills the machine with processes of its own, runs when nothing else does. */
const ALONE = [
  'test/bench/**',
  'test/card/**',
  'test/ranks/**',
  'test/torture/**',
  'test/soak/**',
  'test/**/*memory*.test.ts',
  'test/**/event-loop*.test.ts',
  'test/**/steps-ahead*.test.ts',
  'test/hub/processes.test.ts',
  'test/cli/bench*.test.ts',
  'test/cli/train.test.ts', // stops runs by signals at moments of theirs
  'test/clip/endings.test.ts',
]
const PACK = 'test/pack/**' // installs a package

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'lib',
          include: ['test/**/*.test.ts'],
          exclude: [PACK, ...ALONE],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'lib-alone',
          include: ALONE.map((glob) => (glob.endsWith('.ts') ? glob : `${glob}/*.test.ts`)),
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...shared, name: 'pack', include: [`${PACK}/*.test.ts`] } },
    ],
  },
})

import { defineConfig } from 'vitest/config'

const shared = { pool: 'forks', testTimeout: 60_000, hookTimeout: 120_000 } as const

/** What starts processes that work together, and wait for each other much of their time. */
const TOGETHER = ['test/ranks/**', 'test/torture/**', 'test/hub/processes.test.ts']
/** What measures time or memory, or strikes at a moment, runs when nothing else does. */
const ALONE = [
  'test/bench/**',
  'test/card/**',
  'test/**/*memory.test.ts',
  'test/**/event-loop*.test.ts',
  'test/**/steps-ahead*.test.ts',
  'test/cli/bench*.test.ts',
  'test/cli/train.test.ts',
  'test/clip/endings.test.ts',
  'test/ranks/endings.test.ts',
  'test/torture/soak.test.ts',
]
const PACK = 'test/pack/**' // installs a package

const files = (globs: string[]) => globs.map((glob) => (glob.endsWith('.ts') ? glob : `${glob}/*.test.ts`))

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'lib',
          include: ['test/**/*.test.ts'],
          exclude: [PACK, ...TOGETHER, ...ALONE],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'lib-together',
          include: files(TOGETHER),
          exclude: ALONE,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: { ...shared, name: 'lib-alone', include: files(ALONE), maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
      { test: { ...shared, name: 'pack', include: [`${PACK}/*.test.ts`] } },
    ],
  },
})

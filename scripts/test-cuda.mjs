#!/usr/bin/env node
// `npm run test:cuda`: what the emulation cannot show, on a real card: every operation, whole sessions and the golden
// models over clipwright_cuda.so, equal bits from equal seeds, and compute-sanitizer where it is installed. Without a card
// it says so, and all of it counts as skipped.
import { dirname, join } from 'node:path'
import { cudaLibrary } from './build-cuda.mjs'
import { buildNative } from './build-native.mjs'
import { findCard } from './cuda/card.mjs'
import { findProgram, main, root } from './setup/command.mjs'
import { runSuites } from './suites/run.mjs'
import { gtest, vitest } from './suites/runners.mjs'
import { addUp } from './suites/totals.mjs'

const build = join(root, 'build/cmake')
const library = process.env.CLIPWRIGHT_CUDA_LIBRARY || cudaLibrary
const env = { CLIPWRIGHT_TEST_BACKENDS: 'cuda:0', CLIPWRIGHT_CUDA_LIBRARY: library }
const sessions = 'Backends/Session*'

const onCard = [
  {
    name: 'operations',
    async run() {
      for (const target of ['conformance', 'conformance_cuda', 'units', 'units_cuda'])
        buildNative({ tests: true, target })
      return gtest(join(build, 'conformance_cuda'), { env })
    },
  },
  { name: 'sessions', run: async () => gtest(join(build, 'units_cuda'), { env, filter: sessions }) },
  {
    name: 'golden models and equal bits',
    run: async () =>
      vitest('lib', { env, files: ['test/clip/goldens.test.ts', 'test/clip/repeat.test.ts'], tests: "on '?cuda" }),
  },
  {
    name: 'compute-sanitizer',
    async run() {
      const sanitizer = findSanitizer()
      if (!sanitizer) {
        console.log('skipped: compute-sanitizer is neither on the PATH nor in the CUDA toolkit of this machine')
        return { passed: 0, failed: 0, skipped: 1 }
      }
      const watch = (tool, program, filter) => {
        const under = [sanitizer, '--tool', tool, '--error-exitcode', '1']
        return gtest(join(build, program), { env, filter, under })
      }
      return addUp([
        watch('memcheck', 'conformance_cuda'),
        ...['memcheck', 'racecheck', 'synccheck', 'initcheck'].map((tool) => watch(tool, 'units_cuda', sessions)),
      ])
    },
  },
]

function findSanitizer() {
  const { CUDACXX } = process.env
  const toolkit = CUDACXX ? [join(dirname(findProgram(CUDACXX) ?? CUDACXX), 'compute-sanitizer')] : []
  const places = [...toolkit, 'compute-sanitizer', '/usr/local/cuda/bin/compute-sanitizer']
  return places.map(findProgram).find(Boolean)
}

await main(async () => {
  const { cards, problem } = await findCard()
  if (problem) console.log(`skipped, because no card can be used: ${problem}`)
  else console.log(cards.map(({ device, name }) => `${device}: ${name}`).join('\n'))
  const skip = async () => ({ passed: 0, failed: 0, skipped: 1 })
  await runSuites(problem ? onCard.map(({ name }) => ({ name, run: skip })) : onCard)
})

#!/usr/bin/env node
// `npm test`: sets up, builds, runs the native, the TypeScript and the pack suite, and closes with one line of totals.
import { join } from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { buildLib } from './build-lib.mjs'
import { buildNative } from './build-native.mjs'
import { prebuilds } from './prebuilds.mjs'
import { root } from './setup/command.mjs'
import { ctest, vitest } from './suites/runners.mjs'
import { addUp, totalLine } from './suites/totals.mjs'

const suites = [
  {
    name: 'native',
    async run() {
      bootstrap()
      buildNative({ tests: true })
      return ctest(join(root, 'build/cmake'))
    },
  },
  {
    name: 'typescript',
    async run() {
      await buildLib()
      return vitest('lib')
    },
  },
  {
    name: 'pack',
    async run() {
      await prebuilds()
      return vitest('pack')
    },
  },
]

const results = []
for (const { name, run } of suites) {
  console.log(`\n== ${name}`)
  const result = await run().catch((error) => {
    console.error(`error: ${error.message}`)
    return { passed: 0, failed: 1, skipped: 0 }
  })
  results.push({ name, ...result })
}

console.log('')
for (const { name, passed, failed, skipped } of results) {
  console.log(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`)
}
const total = addUp(results)
console.log(totalLine(total))
process.exitCode = total.failed > 0 ? 1 : 0

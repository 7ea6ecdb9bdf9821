// What `npm test` runs, in order. Each suite prepares what it needs and returns its counts.
import { join } from 'node:path'
import { bootstrap } from '../bootstrap.mjs'
import { buildLib } from '../build-lib.mjs'
import { buildNative } from '../build-native.mjs'
import { prebuilds } from '../prebuilds.mjs'
import { root } from '../setup/command.mjs'
import { emulated } from './emulated.mjs'
import { gtestInShards, vitest } from './runners.mjs'
import { addUp } from './totals.mjs'

export const suites = [
  {
    name: 'native',
    async run() {
      bootstrap()
      buildNative({ tests: true })
      buildNative({ tests: true, target: 'card_programs' }) // the kit is rehearsed with them
      const counts = []
      for (const program of ['conformance', 'units'])
        counts.push(await gtestInShards(join(root, 'build/cmake', program)))
      return addUp(counts)
    },
  },
  { name: 'emulated card', run: () => emulated('ascending') },
  {
    name: 'typescript',
    async run() {
      await buildLib()
      return vitest('lib*')
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

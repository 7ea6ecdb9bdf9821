// The native suites on the emulated card: every operation, and whole sessions of a tiny model.
import { join } from 'node:path'
import { root } from '../setup/command.mjs'
import { gtestInShards } from './runners.mjs'
import { addUp } from './totals.mjs'

/** `order`: of a block's threads (native/ops/cuda/launch.h); `folder`: of the build. */
export async function emulated(order, { folder = 'build/cmake', env = {} } = {}) {
  return addUp([
    await gtestInShards(join(root, folder, 'conformance'), { env: { ...env, ...card(order) } }),
    await gtestInShards(join(root, folder, 'conformance'), {
      env: { ...env, ...largeCard(order) },
      filter: largeTiles,
    }),
    await emulatedSessions(order, { folder, env }),
  ])
}

/** `filter`: which of them. */
export function emulatedSessions(order, { folder = 'build/cmake', env = {}, filter = 'Backends/Session*' } = {}) {
  return gtestInShards(join(root, folder, 'units'), { env: { ...env, ...card(order) }, filter })
}

// What fits only the shared memory of larger cards, and goes other ways elsewhere.
const largeTiles = '*info_nce*_E257_*:*info_nce*_E512_*'

/** A card with the shared memory of compute capability 9.0. */
function largeCard(order) {
  return { ...card(order), CLIPWRIGHT_EMULATION_SHARED: String(227 * 1024) }
}

function card(order) {
  return { CLIPWRIGHT_TEST_BACKENDS: 'cuda:0', CLIPWRIGHT_EMULATION_ORDER: order }
}

// The native suites on the emulated card: every operation, and whole sessions of a tiny model.
import { join } from 'node:path'
import { root } from '../setup/command.mjs'
import { gtestInShards } from './runners.mjs'
import { addUp } from './totals.mjs'

/** `order`: of a block's threads (native/ops/cuda/launch.h); `folder`: of the build. */
export async function emulated(order, { folder = 'build/cmake', env = {} } = {}) {
  const conformance = join(root, folder, 'conformance')
  const onCard = { ...env, ...card(order) }
  return addUp([
    await gtestInShards(conformance, { env: onCard }),
    await gtestInShards(conformance, { env: { ...onCard, ...LARGE }, filter: ON_LARGE }),
    await emulatedSessions(order, { folder, env }),
  ])
}

/** `filter`: which of them. */
export function emulatedSessions(order, { folder = 'build/cmake', env = {}, filter = 'Backends/Session*' } = {}) {
  return gtestInShards(join(root, folder, 'units'), { env: { ...env, ...card(order) }, filter })
}

/** The shared memory of compute capability 9.0, and what goes other ways where it is there. */
const LARGE = { CLIPWRIGHT_EMULATION_SHARED: '232448' }
const ON_LARGE = '*attention_grad*f16*:*info_nce*_E257_*:*info_nce*_E512_*'

function card(order) {
  return { CLIPWRIGHT_TEST_BACKENDS: 'cuda:0', CLIPWRIGHT_EMULATION_ORDER: order }
}

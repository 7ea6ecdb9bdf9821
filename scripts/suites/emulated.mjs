// The native suites on the emulated card: every operation, and whole sessions of a tiny model.
import { join } from 'node:path'
import { root } from '../setup/command.mjs'
import { gtest } from './runners.mjs'
import { addUp } from './totals.mjs'

/** `order`: of a block's threads (native/ops/cuda/launch.h); `folder`: of the build. */
export function emulated(order, { folder = 'build/cmake', env = {} } = {}) {
  const card = { ...env, CLIPWRIGHT_TEST_BACKENDS: 'cuda:0', CLIPWRIGHT_EMULATION_ORDER: order }
  return addUp([
    gtest(join(root, folder, 'conformance'), { env: card }),
    gtest(join(root, folder, 'units'), { env: card, filter: 'Backends/Session*' }),
  ])
}

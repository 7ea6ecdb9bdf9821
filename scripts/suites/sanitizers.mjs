// The native suites in builds that watch every access. Node itself is not instrumented, so the addon stays out.
import { join } from 'node:path'
import { bootstrap } from '../bootstrap.mjs'
import { buildNative } from '../build-native.mjs'
import { root } from '../setup/command.mjs'
import { emulated } from './emulated.mjs'
import { gtest } from './runners.mjs'
import { addUp } from './totals.mjs'

export const sanitizers = [
  sanitized('address,undefined', ['ascending', 'descending', '7'], {
    ASAN_OPTIONS: 'detect_stack_use_after_return=1:check_initialization_order=1:strict_init_order=1',
    UBSAN_OPTIONS: 'print_stacktrace=1',
  }),
  sanitized('thread', ['ascending'], {
    // oneDNN and libgomp are not instrumented: what they copy between threads of their own is not for us to judge.
    TSAN_OPTIONS: 'ignore_noninstrumented_modules=1:second_deadlock_stack=1',
  }),
]

/** `orders`: those in which the emulated card runs a block's threads. */
function sanitized(sanitize, orders, env) {
  const folder = `build/sanitize-${sanitize.split(',')[0]}`
  return {
    name: `sanitizer ${sanitize}`,
    async run() {
      bootstrap()
      buildNative({ tests: true, sanitize, folder })
      return addUp([
        ...['units', 'conformance'].map((program) => gtest(join(root, folder, program), { env })),
        ...orders.map((order) => emulated(order, { folder, env })),
      ])
    },
  }
}

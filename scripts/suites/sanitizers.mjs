// The native suites in builds that watch every access. Node itself is not instrumented, so the addon stays out.
import { join } from 'node:path'
import { bootstrap } from '../bootstrap.mjs'
import { buildNative } from '../build-native.mjs'
import { root } from '../setup/command.mjs'
import { emulated, emulatedSessions } from './emulated.mjs'
import { gtest } from './runners.mjs'
import { addUp } from './totals.mjs'

const ORDERS = ['ascending', 'descending', '7']
const MEETING = 'Backends/SessionThreads.TwoAtOnce*:Backends/SessionTest.AStepMayBeQueued*'
const ASAN = 'check_initialization_order=1:strict_init_order=1'

export const sanitizers = [
  sanitized(
    'address,undefined',
    {
      ASAN_OPTIONS: `detect_stack_use_after_return=1:${ASAN}`,
      UBSAN_OPTIONS: 'print_stacktrace=1',
    },
    async ({ folder, env }) => {
      // Stacks of its own for every call of thousands of fibers would take most of an hour.
      const inFibers = { ...env, ASAN_OPTIONS: ASAN }
      const results = []
      for (const order of ORDERS) results.push(await emulated(order, { folder, env: inFibers }))
      return addUp(results)
    },
  ),
  sanitized(
    'thread',
    // oneDNN and libgomp are not instrumented: what they copy between threads of their own is not for us to judge.
    { TSAN_OPTIONS: 'ignore_noninstrumented_modules=1:second_deadlock_stack=1' },
    // An emulated block is one thread, so of the card only whole sessions can race. Two tests of a tiny model: two sessions
    // at once, and steps queued ahead; the others would take hours, and more fibers than ThreadSanitizer has memory for.
    (options) => emulatedSessions('ascending', { ...options, filter: MEETING }),
  ),
]

/** `onCard`: the suites on the emulated card. */
function sanitized(sanitize, env, onCard) {
  const folder = `build/sanitize-${sanitize.split(',')[0]}`
  return {
    name: `sanitizer ${sanitize}`,
    async run() {
      bootstrap()
      buildNative({ tests: true, sanitize, folder })
      return addUp([
        ...['units', 'conformance'].map((program) => gtest(join(root, folder, program), { env })),
        await onCard({ folder, env }),
      ])
    },
  }
}

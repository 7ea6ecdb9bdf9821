#!/usr/bin/env node
// `npm run test:full`: all that `npm test` runs with long fuzzing, then the native suites under the sanitizers.
import { runSuites } from './suites/run.mjs'
import { sanitizers } from './suites/sanitizers.mjs'
import { suites } from './suites/suites.mjs'

process.env.CLIPWRIGHT_TEST_FULL = '1' // read by test/fuzz/fuzz.ts
await runSuites([...suites, ...sanitizers])

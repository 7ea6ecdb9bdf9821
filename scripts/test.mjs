#!/usr/bin/env node
// `npm test`: sets up, builds, runs the native, the TypeScript and the pack suite, and closes with one line of totals.
import { runSuites } from './suites/run.mjs'
import { suites } from './suites/suites.mjs'

await runSuites(suites)

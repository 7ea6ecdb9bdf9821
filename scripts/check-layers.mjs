#!/usr/bin/env node
// Part of `npm run lint`: fails on an include or import that points back, against the order in scripts/layers/.
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { libViolations } from './layers/lib.mjs'
import { nativeViolations } from './layers/native.mjs'
import { root } from './setup/command.mjs'
import { filesUnder } from './setup/stamp.mjs'

function sourcesUnder(folder, pattern) {
  const base = join(root, folder)
  const files = filesUnder(base).filter((file) => pattern.test(file))
  return Object.fromEntries(files.map((file) => [relative(base, file), readFileSync(file, 'utf8')]))
}

const native = sourcesUnder('native', /\.(h|hpp|cpp|cu|cuh)$/)
const lib = sourcesUnder('lib', /\.ts$/)
const violations = [...nativeViolations(native), ...libViolations(lib)]
for (const violation of violations) console.error(violation)
console.log(`layers: ${Object.keys(native).length + Object.keys(lib).length} files, ${violations.length} pointing back`)
process.exitCode = violations.length > 0 ? 1 : 0

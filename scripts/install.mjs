#!/usr/bin/env node
// package.json's "install": checks that the prebuilt binary fits this machine. It downloads and builds nothing.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { thisPlatform, whyUnsupported } from './platform.mjs'

const packageRoot = fileURLToPath(new URL('..', import.meta.url))
// A source checkout builds its own binary.
if (!existsSync(join(packageRoot, 'CMakeLists.txt'))) {
  const reason = whyUnsupported(packageRoot, thisPlatform())
  if (reason) {
    console.error(reason)
    process.exit(1)
  }
}

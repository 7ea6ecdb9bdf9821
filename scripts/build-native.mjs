#!/usr/bin/env node
// Configures and builds the native core with cmake-js: the addon into build/Release, everything else into build/cmake.
// Also what binding.gyp and prebuildify (as --node-gyp) call, so arguments of theirs are ignored.
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { compile, configuration, configure, requireCompiler } from './setup/cmake.mjs'
import { isMain, main, root, SetupError } from './setup/command.mjs'
import { ensureGlibcStubs } from './setup/glibc.mjs'
import { ensureGomp } from './setup/gomp.mjs'
import { ensureGoogleTest } from './setup/googletest.mjs'
import { ensureLibJpeg } from './setup/libjpeg.mjs'
import { ensureOneDnn } from './setup/onednn.mjs'
import { ensureOpenMpi } from './setup/openmpi.mjs'

const release = join(root, 'build/Release')

/**
 * Builds `folder` (relative to the root). `tests` adds the native suites; `sanitize` is a value for -fsanitize= and leaves
 * the addon out.
 */
export function buildNative({ tests = false, sanitize = '', folder = 'build/cmake', target } = {}) {
  const build = join(root, folder)
  ensureLibJpeg()
  // A build without tests leaves them as an earlier one configured them, so that the two do not undo each other.
  const withTests = tests || configuration(build).includes('-DCLIPWRIGHT_TESTS=ON')
  configure(build, [
    `-DCLIPWRIGHT_TESTS=${withTests ? 'ON' : 'OFF'}`,
    `-DCLIPWRIGHT_ADDON=${sanitize ? 'OFF' : 'ON'}`,
    ...(sanitize ? [`-DCLIPWRIGHT_SANITIZE=${sanitize}`] : ensureGlibcStubs(requireCompiler())),
    ...ensureOneDnn(),
    ...(sanitize ? [] : ensureOpenMpi({ fetch: withTests || process.env.PREBUILD_NODE_GYP !== undefined })),
    ...(withTests ? ensureGoogleTest() : []),
  ])
  compile(build, target ?? (tests ? undefined : 'clipwright'))
  if (!sanitize && !existsSync(join(release, 'clipwright.node'))) {
    throw new SetupError('The native build ended without build/Release/clipwright.node: remove build/ and build again.')
  }
}

/** Fills the build/Release of the folder where prebuildify looks: it strips what it finds there, and takes it away. */
function fillForPrebuildify(folder) {
  mkdirSync(folder, { recursive: true })
  for (const file of ['clipwright.node', 'libdnnl.so.3']) cpSync(join(release, file), join(folder, file))
  cpSync(ensureGomp(), join(folder, 'libgomp.so.1'))
  if (existsSync(join(release, 'clipwright_mpi.so')))
    cpSync(join(release, 'clipwright_mpi.so'), join(folder, 'clipwright_mpi.so'))
}

if (isMain(import.meta)) {
  await main(() => {
    bootstrap()
    buildNative({ tests: process.argv.includes('--tests') })
    if (process.env.PREBUILD_NODE_GYP) fillForPrebuildify(join(process.cwd(), 'build/Release'))
  })
}

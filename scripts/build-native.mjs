#!/usr/bin/env node
// Configures and builds the native core with CMake: the addon into build/Release, everything else into build/cmake.
// Also what binding.gyp and prebuildify (as --node-gyp) call, so arguments of theirs are ignored.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { requireCMake } from './setup/cmake.mjs'
import { findProgram, isMain, main, requireProgram, root, run, SetupError } from './setup/command.mjs'
import { ensureGoogleTest } from './setup/googletest.mjs'
import { ensureOneDnn } from './setup/onednn.mjs'

/**
 * Builds `folder` (relative to the root). `tests` adds the native suites; `sanitize` is a value for -fsanitize= and leaves
 * the addon out. Parallel jobs: CLIPWRIGHT_JOBS, else one a core.
 */
export function buildNative({ tests = false, sanitize = '', folder = 'build/cmake', target } = {}) {
  const cmake = requireCMake()
  const compiler = requireProgram(
    process.env.CXX ?? 'g++',
    'to build the native core',
    'install a C++20 compiler with OpenMP (g++ 12 or newer), or name one in CXX',
  )
  const ninja = findProgram('ninja')
  if (!ninja) requireProgram('make', 'to build the native core', 'install make or ninja')

  const build = join(root, folder)
  // A build without tests leaves them as an earlier one configured them, so that the two do not undo each other.
  const withTests = tests || configured(build).includes('-DCLIPWRIGHT_TESTS=ON')
  const configuration = [
    ...['-G', ninja ? 'Ninja' : 'Unix Makefiles'],
    '-DCMAKE_BUILD_TYPE=Release',
    `-DCMAKE_CXX_COMPILER=${compiler}`,
    `-DCLIPWRIGHT_TESTS=${withTests ? 'ON' : 'OFF'}`,
    `-DCLIPWRIGHT_ADDON=${sanitize ? 'OFF' : 'ON'}`,
    `-DCLIPWRIGHT_SANITIZE=${sanitize}`,
    ...ensureOneDnn(),
    ...(withTests ? ensureGoogleTest() : []),
  ]
  configure(cmake, build, configuration)
  const jobs = process.env.CLIPWRIGHT_JOBS ?? String(availableParallelism())
  const goal = target ?? (tests ? undefined : 'clipwright')
  run(cmake, ['--build', build, '--parallel', jobs, ...(goal ? ['--target', goal] : [])])
  if (!sanitize && !existsSync(join(root, 'build/Release/clipwright.node'))) {
    throw new SetupError('The native build ended without build/Release/clipwright.node: remove build/ and build again.')
  }
}

const recordOf = (build) => join(build, 'clipwright-configuration.json')

function configured(build) {
  try {
    return JSON.parse(readFileSync(recordOf(build), 'utf8'))
  } catch {
    return []
  }
}

function configure(cmake, build, configuration) {
  const { dnnl_DIR = '', CMAKE_PREFIX_PATH = '' } = process.env
  const record = [...configuration, dnnl_DIR, CMAKE_PREFIX_PATH]
  if (JSON.stringify(configured(build)) === JSON.stringify(record)) return
  // CMake keeps the first generator, compiler and found packages: start over when any of them moved.
  rmSync(join(build, 'CMakeCache.txt'), { force: true })
  rmSync(join(build, 'CMakeFiles'), { recursive: true, force: true })
  run(cmake, ['-S', root, '-B', build, ...configuration])
  mkdirSync(build, { recursive: true })
  writeFileSync(recordOf(build), JSON.stringify(record))
}

if (isMain(import.meta)) {
  await main(() => {
    bootstrap()
    buildNative({ tests: process.argv.includes('--tests') })
  })
}

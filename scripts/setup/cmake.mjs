// CMake, driven by cmake-js: it says where the Node-API headers lie (package.json's "binary" keeps it from downloading
// Node's own). Every build goes through it, also those without the addon: sanitizers and CUDA, in folders of their own.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { findProgram, requireProgram, root, run, succeeds } from './command.mjs'

/** Full path of cmake, or one sentence. */
const requireCMake = () => requireProgram('cmake', 'to build the native core', 'install CMake 3.22 or newer')

/** Full path of the C++ compiler, or one sentence. */
export const requireCompiler = () =>
  requireProgram(
    process.env.CXX ?? 'g++',
    'to build the native core',
    'install a C++20 compiler with OpenMP (g++ 12 or newer), or name one in CXX',
  )

/** Configures `build` (a full path) with `-D` arguments, unless it is configured so already. */
export function configure(build, definitions) {
  const ninja = findProgram('ninja')
  if (!ninja) requireProgram('make', 'to build the native core', 'install make or ninja')
  const options = ['--generator', ninja ? 'Ninja' : 'Unix Makefiles', '--cxx', requireCompiler()]
  if (process.env.CC) options.push('--cc', process.env.CC)
  const { dnnl_DIR = '', CMAKE_PREFIX_PATH = '', CXXFLAGS = '' } = process.env
  const record = [...options, ...definitions, dnnl_DIR, CMAKE_PREFIX_PATH, CXXFLAGS]
  if (JSON.stringify(configuration(build)) === JSON.stringify(record)) return
  // CMake keeps the first generator, compiler and found packages: start over when any of them moved.
  rmSync(join(build, 'CMakeCache.txt'), { force: true })
  rmSync(join(build, 'CMakeFiles'), { recursive: true, force: true })
  cmakeJs('configure', build, [...options, ...definitions.map((argument) => argument.replace(/^-D/, '--CD'))])
  mkdirSync(build, { recursive: true })
  writeFileSync(recordOf(build), JSON.stringify(record))
}

/** Builds one target, or all that are built by default. Parallel jobs: CLIPWRIGHT_JOBS, else one a core. */
export function compile(build, target) {
  const jobs = process.env.CLIPWRIGHT_JOBS ?? String(availableParallelism())
  cmakeJs('build', build, ['--parallel', jobs, ...(target ? ['--target', target] : [])])
}

/** With what `build` was configured last; empty when it was not. */
export function configuration(build) {
  try {
    return JSON.parse(readFileSync(recordOf(build), 'utf8'))
  } catch {
    return []
  }
}

const recordOf = (build) => join(build, 'clipwright-configuration.json')

// Not "compile", which answers every compiler error with a second build from nothing.
function cmakeJs(command, build, options) {
  const fixed = ['--directory', root, '--out', build, '--config', 'Release', '--cmake-path', requireCMake()]
  const program = join(root, 'node_modules/cmake-js/bin/cmake-js')
  run(process.execPath, [program, command, '--log-level', 'warn', ...fixed, ...options])
}

/** True when `find_package(name version CONFIG)` succeeds with this environment. */
export function cmakeFinds(name, version = '') {
  const cache = join(root, '.cache')
  mkdirSync(cache, { recursive: true })
  const probe = mkdtempSync(join(cache, 'probe-'))
  try {
    writeFileSync(
      join(probe, 'CMakeLists.txt'),
      `cmake_minimum_required(VERSION 3.22)\nproject(probe LANGUAGES CXX)\nfind_package(${name} ${version} CONFIG REQUIRED)\n`,
    )
    return succeeds(requireCMake(), ['-S', probe, '-B', join(probe, 'build')])
  } finally {
    rmSync(probe, { recursive: true, force: true })
  }
}

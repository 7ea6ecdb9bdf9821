// What CMake can find by itself, asked of a throw-away project.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { requireProgram, root, succeeds } from './command.mjs'

/** Full path of cmake, or one sentence. */
export const requireCMake = () => requireProgram('cmake', 'to build the native core', 'install CMake 3.22 or newer')

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

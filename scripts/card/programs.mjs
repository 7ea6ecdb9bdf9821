// The kit's native programs: without oneDNN, against an old glibc, in a build folder of their own.
import { join } from 'node:path'
import { compile, configure, requireCompiler } from '../setup/cmake.mjs'
import { root } from '../setup/command.mjs'
import { ensureGlibcStubs } from '../setup/glibc.mjs'
import { ensureGoogleTest } from '../setup/googletest.mjs'
import { ensureLibJpeg } from '../setup/libjpeg.mjs'

export const programs = ['conformance_cuda', 'units_cuda', 'ops_bench', 'step_bench']

/** Returns the folder that they lie in. */
export function buildPrograms() {
  const build = join(root, 'build/card-programs')
  ensureLibJpeg()
  configure(build, [
    '-DCLIPWRIGHT_TESTS=ON',
    '-DCLIPWRIGHT_ADDON=OFF',
    '-DCLIPWRIGHT_CPU=OFF',
    ...ensureGlibcStubs(requireCompiler()),
    ...ensureGoogleTest(),
  ])
  compile(build, 'card_programs')
  return build
}

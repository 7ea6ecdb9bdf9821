#!/usr/bin/env node
// Builds clipwright_cuda.so, the CUDA part of the native core, into build/Release beside the addon. No card is needed for it.
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { requireCMake } from './setup/cmake.mjs'
import { findProgram, isMain, main, requireProgram, root, run, SetupError } from './setup/command.mjs'
import { ensureCudaCompiler } from './setup/cuda.mjs'
import { ensureOneDnn } from './setup/onednn.mjs'

export function buildCuda() {
  const cmake = requireCMake()
  const compiler = requireProgram(
    process.env.CXX ?? 'g++',
    'to build the CUDA part',
    'install a C++20 compiler (g++ 12 or newer), or name one in CXX',
  )
  const nvcc = ensureCudaCompiler()
  const build = join(root, 'build/cuda')
  run(cmake, [
    ...['-S', root, '-B', build, '-G', findProgram('ninja') ? 'Ninja' : 'Unix Makefiles'],
    '-DCMAKE_BUILD_TYPE=Release',
    `-DCMAKE_CXX_COMPILER=${compiler}`,
    `-DCMAKE_CUDA_COMPILER=${nvcc}`,
    `-DCMAKE_CUDA_HOST_COMPILER=${compiler}`,
    '-DCLIPWRIGHT_CUDA=ON',
    '-DCLIPWRIGHT_ADDON=OFF',
    '-DCLIPWRIGHT_TESTS=OFF',
    ...ensureOneDnn(),
  ])
  const jobs = process.env.CLIPWRIGHT_JOBS ?? String(availableParallelism())
  run(cmake, ['--build', build, '--parallel', jobs, '--target', 'clipwright_cuda'])
  if (!existsSync(join(root, 'build/Release/clipwright_cuda.so'))) {
    throw new SetupError(
      'The CUDA build ended without build/Release/clipwright_cuda.so: remove build/cuda and build again.',
    )
  }
}

if (isMain(import.meta)) await main(buildCuda)

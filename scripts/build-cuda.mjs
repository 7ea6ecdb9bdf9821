#!/usr/bin/env node
// Builds clipwright_cuda.so, the CUDA part of the native core, into build/Release beside the addon, and checks what the
// compiler made of it. No card is needed. Quick when nothing changed.
import { existsSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { checkCuda } from './check-cuda.mjs'
import { requireCMake } from './setup/cmake.mjs'
import { findProgram, isMain, main, requireProgram, root, run, SetupError } from './setup/command.mjs'
import { ensureCudaToolkit } from './setup/cuda.mjs'
import { ensureOneDnn } from './setup/onednn.mjs'
import { hashOf, oncePerHash } from './setup/stamp.mjs'

export const cudaLibrary = join(root, 'build/Release/clipwright_cuda.so')
const inputs = ['native/core', 'native/ops', 'CMakeLists.txt', 'scripts/build-cuda.mjs', 'scripts/check-cuda.mjs']

/** Builds and checks unless both succeeded with the same sources before. */
export async function buildCuda() {
  const stamp = join(root, 'build/cuda.stamp')
  if (!existsSync(cudaLibrary)) rmSync(stamp, { force: true })
  const sources = [...inputs, 'scripts/cuda', 'scripts/setup/cuda.mjs'].map((path) => join(root, path))
  const { CXX, CUDACXX } = process.env
  await oncePerHash(stamp, hashOf(sources, CXX, CUDACXX), () => {
    const toolkit = ensureCudaToolkit()
    compile(toolkit.nvcc)
    checkCuda(cudaLibrary, toolkit.cuobjdump)
  })
}

function compile(nvcc) {
  const cmake = requireCMake()
  const compiler = requireProgram(
    process.env.CXX ?? 'g++',
    'to build the CUDA part',
    'install a C++20 compiler (g++ 12 or newer), or name one in CXX',
  )
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
  if (!existsSync(cudaLibrary)) {
    throw new SetupError(
      'The CUDA build ended without build/Release/clipwright_cuda.so: remove build/cuda and build again.',
    )
  }
}

if (isMain(import.meta)) await main(buildCuda)

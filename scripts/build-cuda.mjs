#!/usr/bin/env node
// Builds clipwright_cuda.so, the CUDA part of the native core, into build/Release beside the addon, and checks what the
// compiler made of it. No card is needed. Quick when nothing changed.
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { checkCuda } from './check-cuda.mjs'
import { compile, configure, requireCompiler } from './setup/cmake.mjs'
import { isMain, main, root, SetupError } from './setup/command.mjs'
import { ensureCudaToolkit } from './setup/cuda.mjs'
import { ensureGlibcStubs } from './setup/glibc.mjs'
import { ensureOneDnn } from './setup/onednn.mjs'
import { hashOf, oncePerHash } from './setup/stamp.mjs'

export const cudaLibrary = join(root, 'build/Release/clipwright_cuda.so')
const inputs = [
  'native/core',
  'native/ops',
  'native/portable',
  'CMakeLists.txt',
  'scripts/build-cuda.mjs',
  'scripts/check-cuda.mjs',
]

/** Builds and checks unless both succeeded with the same sources before. */
export async function buildCuda() {
  const stamp = join(root, 'build/cuda.stamp')
  if (!existsSync(cudaLibrary)) rmSync(stamp, { force: true })
  const sources = [...inputs, 'scripts/cuda', 'scripts/setup/cuda.mjs', 'scripts/setup/glibc.mjs'].map((path) =>
    join(root, path),
  )
  const { CXX, CUDACXX } = process.env
  await oncePerHash(stamp, hashOf(sources, CXX, CUDACXX), () => {
    const toolkit = ensureCudaToolkit()
    build(toolkit.nvcc)
    checkCuda(cudaLibrary, toolkit.cuobjdump)
  })
}

function build(nvcc) {
  const compiler = requireCompiler()
  const folder = join(root, 'build/cuda')
  configure(folder, [
    `-DCMAKE_CUDA_COMPILER=${nvcc}`,
    `-DCMAKE_CUDA_HOST_COMPILER=${compiler}`,
    '-DCLIPWRIGHT_CUDA=ON',
    '-DCLIPWRIGHT_ADDON=OFF',
    '-DCLIPWRIGHT_TESTS=OFF',
    ...ensureGlibcStubs(compiler),
    ...ensureOneDnn(),
  ])
  compile(folder, 'clipwright_cuda')
  if (!existsSync(cudaLibrary)) {
    throw new SetupError(
      'The CUDA build ended without build/Release/clipwright_cuda.so: remove build/cuda and build again.',
    )
  }
}

if (isMain(import.meta)) await main(buildCuda)

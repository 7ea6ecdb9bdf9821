#!/usr/bin/env node
// Fills packages/clipwright-cuda, the optional npm package beside clipwright: the library and its licence.
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildCuda, cudaLibrary } from './build-cuda.mjs'
import { isMain, main, root, SetupError } from './setup/command.mjs'

export const cudaPackage = join(root, 'packages/clipwright-cuda')

/** Of what build:cuda left. The library is copied as it was linked: the CUDA runtime in it may not be modified. */
export function fillCudaPackage() {
  const [ours, theirs] = [root, cudaPackage].map((folder) => versions(folder))
  if (theirs.version !== ours.version || theirs.peerDependencies.clipwright !== ours.version) {
    throw new SetupError(
      `packages/clipwright-cuda is version ${theirs.version} for clipwright ${theirs.peerDependencies.clipwright}: both must be ${ours.version}, clipwright's own.`,
    )
  }
  if (!existsSync(cudaLibrary)) throw new SetupError(`${cudaLibrary} is missing: npm run build:cuda makes it.`)
  cpSync(cudaLibrary, join(cudaPackage, 'clipwright_cuda.so'))
  cpSync(join(root, 'LICENSE'), join(cudaPackage, 'LICENSE'))
}

const versions = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

if (isMain(import.meta)) {
  await main(async () => {
    await buildCuda()
    fillCudaPackage()
  })
}

// Whether this machine has a card that the CUDA part can use.
import { join } from 'node:path'
import { bootstrap } from '../bootstrap.mjs'
import { buildCuda } from '../build-cuda.mjs'
import { buildLib } from '../build-lib.mjs'
import { buildNative } from '../build-native.mjs'
import { root, run } from '../setup/command.mjs'

export const commandLine = join(root, 'dist/cli/main.js')

/** Builds what is needed. Returns `{ cards, problem, … }` of `clipwright doctor`: `problem` is null when a card can be used. */
export async function findCard() {
  bootstrap()
  buildNative({ target: 'clipwright' })
  await buildLib()
  const found = examine()
  if (!found.driver) return found // no need of CUDA's compiler to know that there is no card
  await buildCuda()
  return examine()
}

const examine = () => JSON.parse(run(process.execPath, [commandLine, 'doctor', '--json'], { quiet: true })).cuda

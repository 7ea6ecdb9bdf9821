// Python with pinned peers: PyTorch, open_clip, … in .cache/peers, ONNX Runtime, which only the benchmarks need, beside it.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { requireProgram, root, run } from '../setup/command.mjs'
import { hashOf, oncePerHash } from '../setup/stamp.mjs'
import { requireRoom } from './room.mjs'

/** Installs PyTorch and what is built on it when it is not what its requirements say. Returns the path of python. */
export const ensurePeers = () => ensurePython('peers', 'requirements.txt', 'the Python peers (PyTorch, open_clip)', 9)

/** The same of ONNX Runtime. */
export const ensureOnnxRuntime = () =>
  ensurePython('peers-onnxruntime', 'onnxruntime.txt', 'ONNX Runtime for Python', 0.5)

async function ensurePython(name, list, what, gigabytes) {
  const environment = join(root, '.cache', name)
  const python = join(environment, 'bin/python')
  const requirements = join(root, 'scripts/peers', list)
  await oncePerHash(join(environment, 'installed.stamp'), hashOf([requirements]), () => {
    rmSync(environment, { recursive: true, force: true })
    requireRoom(environment, gigabytes, what)
    console.error(`installing ${what}, up to ${gigabytes} GB`)
    run(requireProgram('python3', 'to run the peers', 'install Python 3.10 or newer'), ['-m', 'venv', environment])
    run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements])
  })
  return python
}

// Python with the pinned peers (PyTorch, open_clip, …) in .cache/peers.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { requireProgram, root, run } from '../setup/command.mjs'
import { hashOf, oncePerHash } from '../setup/stamp.mjs'

const environment = join(root, '.cache/peers')
const python = join(environment, 'bin/python')
const requirements = join(root, 'scripts/peers/requirements.txt')

/** Installs them when they are not what the requirements say. Returns the path of python. */
export async function ensurePeers() {
  await oncePerHash(join(environment, 'installed.stamp'), hashOf([requirements]), () => {
    rmSync(environment, { recursive: true, force: true })
    console.log('installing the Python peers (several gigabytes)')
    run(requireProgram('python3', 'to run the peers', 'install Python 3.10 or newer'), ['-m', 'venv', environment])
    run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements])
  })
  return python
}

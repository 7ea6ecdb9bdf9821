// Pinned Node.js peers (transformers.js, ONNX Runtime) in .cache/peers-node.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from '../setup/command.mjs'
import { hashOf, oncePerHash } from '../setup/stamp.mjs'
import { requireRoom } from './room.mjs'

const environment = join(root, '.cache/peers-node')
const wanted = join(root, 'scripts/peers/node/package.json')

/** Installs them when they are not what their package.json says. Returns the path of their node_modules. */
export async function ensureNodePeers() {
  const modules = join(environment, 'node_modules')
  await oncePerHash(join(environment, 'installed.stamp'), hashOf([wanted]), () => {
    rmSync(environment, { recursive: true, force: true })
    mkdirSync(environment, { recursive: true })
    copyFileSync(wanted, join(environment, 'package.json'))
    requireRoom(environment, 1, 'The Node.js peers (transformers.js, ONNX Runtime)')
    console.error('installing the Node.js peers (half a gigabyte)')
    // Their scripts would download CUDA's libraries.
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error']
    run('npm', ['install', ...options], { cwd: environment })
  })
  return modules
}

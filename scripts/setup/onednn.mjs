// oneDNN 3 for CMake's find_package: the one that dnnl_DIR, CMAKE_PREFIX_PATH or the system offers, else the pinned wheels
// (oneDNN 3.2 built for libgomp, with headers and CMake files) unpacked into .cache/onednn.
import { mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { cmakeFinds } from './cmake.mjs'
import { requireProgram, root, run, SetupError } from './command.mjs'
import { fetchWheels } from './wheels.mjs'

const cache = join(root, '.cache')
const prefix = join(cache, 'onednn')
const configDir = join(prefix, 'lib/cmake/dnnl')

const wheels = [
  {
    requirement: 'onednn-cpu-gomp==2023.2.0',
    sha256: '2f22a54d6a890ed14bfa185d42a4be65d8b5b1df85dc1f0f3a9abe31620416fb',
  },
  {
    requirement: 'onednn-devel-cpu-gomp==2023.2.0',
    sha256: '9763c69e8c907e119056bd52ad918ca84ac9ba939d130a99dfa95ccca3e5e284',
  },
]

/**
 * Makes sure that CMake can find oneDNN 3 and returns the `-D` arguments it needs for that: none where the environment or
 * the system has it.
 */
export function ensureOneDnn() {
  const pinned = [`-Ddnnl_DIR=${configDir}`]
  const asked = process.env.dnnl_DIR ?? process.env.CMAKE_PREFIX_PATH
  if (!asked && isUnpacked()) return pinned
  if (cmakeFinds('dnnl', '3')) return []
  if (process.env.dnnl_DIR) {
    throw new SetupError(
      `dnnl_DIR is ${process.env.dnnl_DIR}, but CMake finds no oneDNN 3 there: it must be the folder of dnnl-config.cmake; unset it to use the pinned wheels.`,
    )
  }
  if (!isUnpacked()) unpackWheels()
  return pinned
}

function isUnpacked() {
  try {
    return readdirSync(configDir).includes('dnnl-config.cmake')
  } catch {
    return false
  }
}

function unpackWheels() {
  console.log('oneDNN: fetching the pinned wheels')
  const folder = fetchWheels(wheels, 'oneDNN')
  const staged = mkdtempSync(join(cache, 'onednn-'))
  try {
    const python = requireProgram('python3', 'to unpack oneDNN', 'install Python 3')
    for (const file of readdirSync(folder))
      run(python, ['-m', 'zipfile', '-e', join(folder, file), join(staged, 'wheels')])
    for (const part of readdirSync(join(staged, 'wheels')).filter((name) => name.endsWith('.data'))) {
      // The development wheel's lib/ and include/ go beside the other's, as if both had been installed.
      run('cp', ['-a', `${join(staged, 'wheels', part, 'data')}/.`, staged])
    }
    rmSync(join(staged, 'wheels'), { recursive: true })
    // Zip files hold no links, and the wheels repeat the library under each of its names.
    for (const [link, target] of [
      ['libdnnl.so.3', 'libdnnl.so.3.2'],
      ['libdnnl.so', 'libdnnl.so.3'],
    ]) {
      rmSync(join(staged, 'lib', link), { force: true })
      symlinkSync(target, join(staged, 'lib', link))
    }
    rmSync(prefix, { recursive: true, force: true })
    renameSync(staged, prefix)
  } finally {
    rmSync(staged, { recursive: true, force: true })
    rmSync(folder, { recursive: true, force: true })
  }
}

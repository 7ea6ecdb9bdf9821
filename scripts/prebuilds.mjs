#!/usr/bin/env node
// Fills prebuilds/linux-x64 with prebuildify: the stripped addon, the two libraries that it loads from its own folder, and
// their licences.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { isMain, main, requireProgram, root, run, SetupError } from './setup/command.mjs'
import { hashOf, oncePerHash } from './setup/stamp.mjs'

const folder = join(root, 'prebuilds/linux-x64')
const expected = ['clipwright.glibc.node', 'libdnnl.so.3', 'libgomp.so.1', 'licenses']
const inputs = ['native', 'licenses', 'scripts', 'CMakeLists.txt', 'package-lock.json'].map((path) => join(root, path))

export async function prebuilds() {
  bootstrap()
  const stamp = join(root, 'build/prebuilds.stamp')
  if (!complete()) rmSync(stamp, { force: true })
  const { CXX, CXXFLAGS, dnnl_DIR, CMAKE_PREFIX_PATH } = process.env
  await oncePerHash(stamp, hashOf(inputs, CXX, CXXFLAGS, dnnl_DIR, CMAKE_PREFIX_PATH), () => {
    rmSync(join(root, 'prebuilds'), { recursive: true, force: true })
    prebuildify()
    cpSync(join(root, 'licenses'), join(folder, 'licenses'), { recursive: true })
    if (!complete())
      throw new SetupError(`${folder} should hold ${expected.join(', ')}; it holds ${present().join(', ')}.`)
  })
}

// In a folder of its own: prebuildify strips the libraries of build/Release where they are (NVIDIA's terms forbid that to
// clipwright_cuda.so, which may lie there), takes all of them, and moves the addon away.
function prebuildify() {
  const strip = requireProgram('strip', 'to make the package small', 'install binutils')
  const workshop = join(root, 'build/prebuildify')
  rmSync(workshop, { recursive: true, force: true })
  mkdirSync(workshop, { recursive: true })
  const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const what = ['--napi', '--strip', '--strip-bin', strip, '--tag-libc', '--name', name]
  const where = ['--cwd', workshop, '--out', root, '--node-gyp', join(root, 'scripts/build-native.mjs')]
  run(process.execPath, [join(root, 'node_modules/prebuildify/bin.js'), ...what, ...where])
}

function present() {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

const complete = () => expected.every((name) => present().includes(name))

if (isMain(import.meta)) await main(prebuilds)

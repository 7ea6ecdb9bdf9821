#!/usr/bin/env node
// Fills prebuilds/linux-x64: the stripped addon, the two libraries that it loads from its own folder, and their licences.
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { buildNative } from './build-native.mjs'
import { isMain, main, requireProgram, root, run, SetupError } from './setup/command.mjs'
import { hashOf, oncePerHash } from './setup/stamp.mjs'

const folder = join(root, 'prebuilds/linux-x64')
const expected = ['clipwright.node', 'libdnnl.so.3', 'libgomp.so.1', 'licenses']

export async function prebuilds() {
  bootstrap()
  buildNative()
  const inputs = hashOf([join(root, 'build/Release'), join(root, 'licenses')])
  const stamp = join(root, 'build/prebuilds.stamp')
  if (!complete()) rmSync(stamp, { force: true })
  await oncePerHash(stamp, inputs, () => {
    rmSync(join(root, 'prebuilds'), { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const strip = requireProgram('strip', 'to make the package small', 'install binutils')
    for (const file of ['clipwright.node', 'libdnnl.so.3', 'libgomp.so.1']) {
      cpSync(join(root, 'build/Release', file), join(folder, file), { dereference: true })
      run(strip, ['--strip-unneeded', join(folder, file)])
    }
    cpSync(join(root, 'licenses'), join(folder, 'licenses'), { recursive: true })
    if (!complete())
      throw new SetupError(`${folder} should hold ${expected.join(', ')}; it holds ${present().join(', ')}.`)
  })
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

#!/usr/bin/env node
// Compiles lib/ into dist/, with its assets (model configs, vocabularies and their licences, report pages) beside the code.
import { chmodSync, cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { basename, dirname, extname, join, relative } from 'node:path'
import { isMain, main, root, run } from './setup/command.mjs'
import { ensurePackages } from './setup/packages.mjs'
import { filesUnder, hashOf, oncePerHash } from './setup/stamp.mjs'

const lib = join(root, 'lib')
const dist = join(root, 'dist')
const assets = new Set(['.json', '.mjs', '.gz', '.txt', '.html', '.css'])

const isAsset = (file) => assets.has(extname(file)) || /^(LICENSE|NOTICE)/.test(basename(file))

export async function buildLib() {
  const inputs = [lib, join(root, 'tsconfig.json'), join(root, 'package-lock.json')]
  const stamp = join(root, 'build/lib.stamp')
  if (!existsSync(dist)) rmSync(stamp, { force: true })
  await oncePerHash(stamp, hashOf(inputs), () => {
    // Files whose source is gone must not stay in the package.
    rmSync(dist, { recursive: true, force: true })
    run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.json')])
    for (const file of filesUnder(lib).filter(isAsset)) {
      const copy = join(dist, relative(lib, file))
      mkdirSync(dirname(copy), { recursive: true })
      cpSync(file, copy)
    }
    const commandLine = join(dist, 'cli/main.js')
    if (existsSync(commandLine)) chmodSync(commandLine, 0o755)
  })
}

if (isMain(import.meta)) {
  await main(async () => {
    ensurePackages()
    await buildLib()
  })
}

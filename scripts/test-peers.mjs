#!/usr/bin/env node
// `npm run test:peers`: installs pinned Python peers into .cache/peers and lets them check what clipwright wrote.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { buildLib } from './build-lib.mjs'
import { buildNative } from './build-native.mjs'
import { main, requireProgram, root, run } from './setup/command.mjs'
import { hashOf, oncePerHash } from './setup/stamp.mjs'

const environment = join(root, '.cache/peers')
const python = join(environment, 'bin/python')
const requirements = join(root, 'scripts/peers/requirements.txt')

await main(async () => {
  bootstrap()
  buildNative()
  await buildLib()
  await oncePerHash(join(environment, 'installed.stamp'), hashOf([requirements]), () => {
    rmSync(environment, { recursive: true, force: true })
    console.log('installing the Python peers (several gigabytes)')
    run(requireProgram('python3', 'to run the peers', 'install Python 3.10 or newer'), ['-m', 'venv', environment])
    run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements])
  })
  const cases = mkdtempSync(join(tmpdir(), 'clipwright-peers-'))
  try {
    run(process.execPath, [join(root, 'test/peers/write-cases.mjs'), cases])
    run(python, [join(root, 'test/peers/open_clip_test.py'), cases])
  } finally {
    rmSync(cases, { recursive: true, force: true })
  }
})

#!/usr/bin/env node
// `npm run test:peers`: installs pinned Python peers into .cache/peers and compares with them: they
// check what clipwright wrote, and clipwright reads what they did.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { buildLib } from './build-lib.mjs'
import { buildNative } from './build-native.mjs'
import { ensurePeers } from './peers/environment.mjs'
import { main, root, run } from './setup/command.mjs'

/** What clipwright writes, and the peer's program that looks at it. */
const CHECKS = [
  ['write-cases.mjs', 'open_clip_test.py'],
  ['write-optimizer-cases.mjs', 'torch_optim_test.py'],
  ['write-transformers-cases.mjs', 'transformers_test.py'],
  ['write-hf-clip-cases.mjs', 'hf_clip_test.py'],
  ['write-run.mjs', 'tensorboard_test.py'],
]

/** What a peer writes, and clipwright's program that looks at it. */
const READINGS = [
  ['write_torch_files.py', 'read-torch-files.mjs'],
  ['write_transformers_folders.py', 'read-transformers-folders.mjs'],
  ['write_hf_clip_folders.py', 'read-hf-clip-folders.mjs'],
]

await main(async () => {
  bootstrap()
  buildNative()
  await buildLib()
  const python = await ensurePeers()
  const cases = mkdtempSync(join(tmpdir(), 'clipwright-peers-'))
  try {
    for (const [writer, check] of CHECKS) {
      const folder = join(cases, check)
      run(process.execPath, [join(root, 'test/peers', writer), folder])
      run(python, [join(root, 'test/peers', check), folder])
    }
    for (const [writer, reader] of READINGS) {
      const folder = join(cases, writer)
      mkdirSync(folder)
      run(python, [join(root, 'test/peers', writer), folder])
      run(process.execPath, [join(root, 'test/peers', reader), folder])
    }
  } finally {
    rmSync(cases, { recursive: true, force: true })
  }
})

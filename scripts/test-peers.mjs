#!/usr/bin/env node
// `npm run test:peers`: installs pinned Python peers into .cache/peers and lets them check what clipwright wrote.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { buildLib } from './build-lib.mjs'
import { buildNative } from './build-native.mjs'
import { ensurePeers } from './peers/environment.mjs'
import { main, root, run } from './setup/command.mjs'

await main(async () => {
  bootstrap()
  buildNative()
  await buildLib()
  const python = await ensurePeers()
  const cases = mkdtempSync(join(tmpdir(), 'clipwright-peers-'))
  try {
    run(process.execPath, [join(root, 'test/peers/write-cases.mjs'), cases])
    run(python, [join(root, 'test/peers/open_clip_test.py'), cases])
  } finally {
    rmSync(cases, { recursive: true, force: true })
  }
})

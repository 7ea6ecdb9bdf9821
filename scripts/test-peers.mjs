#!/usr/bin/env node
// `npm run test:peers`: installs pinned peers, those in Python into .cache/peers and those in JavaScript into
// .cache/peers-node, and compares with them: they check what clipwright wrote, and clipwright reads what they did.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { buildLib } from './build-lib.mjs'
import { buildNative } from './build-native.mjs'
import { ensurePeers } from './peers/environment.mjs'
import { ensureNodePeers } from './peers/node-environment.mjs'
import { main, root, run } from './setup/command.mjs'

/** What clipwright writes, and the peer's program that looks at it. */
const CHECKS = [
  ['write-cases.mjs', 'open_clip_test.py'],
  ['write-optimizer-cases.mjs', 'torch_optim_test.py'],
  ['write-transformers-cases.mjs', 'transformers_test.py'],
  ['write-hf-clip-cases.mjs', 'hf_clip_test.py'],
  ['write-timm-cases.mjs', 'timm_towers_test.py'],
  ['write-run.mjs', 'tensorboard_test.py'],
  ['write-hub-cache.mjs', 'hub_cache_test.py'],
]

/** The same, of peers that need no Python. */
const NODE_CHECKS = [['write-onnx-cases.mjs', 'transformers-js-test.mjs']]

/** What a peer writes, and clipwright's program that looks at it. */
const READINGS = [
  ['write_torch_files.py', 'read-torch-files.mjs'],
  ['write_transformers_folders.py', 'read-transformers-folders.mjs'],
  ['write_hf_clip_folders.py', 'read-hf-clip-folders.mjs'],
  ['write_hub_cache.py', 'read-hub-cache.mjs'],
  ['write_pretrained_tags.py', 'read-pretrained-tags.mjs'],
  ['write_tokenizers.py', 'read-tokenizers.mjs'],
  ['write_sentencepiece.py', 'read-sentencepiece.mjs'],
]

await main(async () => {
  bootstrap()
  buildNative()
  await buildLib()
  const cases = mkdtempSync(join(tmpdir(), 'clipwright-peers-'))
  try {
    // Where an optional peer of clipwright is looked for, too.
    const env = { NODE_PATH: await ensureNodePeers() }
    for (const [writer, check] of NODE_CHECKS) {
      for (const program of [writer, check]) {
        run(process.execPath, [join(root, 'test/peers', program), join(cases, check)], { env })
      }
    }
    const python = await ensurePeers()
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

#!/usr/bin/env node
// Writes the parts of docs/ that are made from the declarations in lib/; test/scripts/docs.test.ts fails where they differ.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildLib } from './build-lib.mjs'
import { declaredOptions, withBlocks } from './docs/options.mjs'
import { main, root } from './setup/command.mjs'
import { ensurePackages } from './setup/packages.mjs'

await main(async () => {
  ensurePackages()
  await buildLib()
  const [{ TRAIN_GROUPS }, { parseTrainOptions }] = await Promise.all([
    import('../dist/train/options/table.js'),
    import('../dist/train/options/parse.js'),
  ])
  const file = join(root, 'docs/reference.md')
  const declared = declaredOptions(TRAIN_GROUPS, parseTrainOptions)
  writeFileSync(file, withBlocks(readFileSync(file, 'utf8'), declared))
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseTrainOptions } from '../../lib/train/options/parse.js'
import { TRAIN_GROUPS, TRAIN_OPTIONS } from '../../lib/train/options/table.js'
import { declaredOptions, withBlocks } from '../../scripts/docs/options.mjs'

const text = readFileSync(join(import.meta.dirname, '../../docs/reference.md'), 'utf8')
const declared = declaredOptions(TRAIN_GROUPS, parseTrainOptions)

test('docs/reference.md says what is declared (after a change: npm run docs)', () => {
  expect(text).toBe(withBlocks(text, declared))
  for (const name of Object.keys(TRAIN_OPTIONS)) expect(text).toContain(`| \`${name}\` |`)
})

test('another default or preset would be another text', () => {
  const { Batches } = TRAIN_GROUPS
  const epochs = { ...Batches.epochs, default: 31 }
  const changed = withBlocks(text, { ...declared, groups: { ...TRAIN_GROUPS, Batches: { ...Batches, epochs } } })
  expect(changed).toContain('| `--epochs <n>` | `epochs` | passes over the list | 31 | inexact |')
  expect(withBlocks(text, { ...declared, preset: { ...declared.preset, fitLr: false } })).toMatch(
    /`--fit-lr` \| off \| off \|/,
  )
})

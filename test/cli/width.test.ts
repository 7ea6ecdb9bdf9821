/** What commands print keeps to 80 columns, where nobody has a wider terminal. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { columnsOf } from '../../lib/report/columns.js'
import { clipwright, modelAndPictures } from './model-and-pictures.js'

const { folder, model } = modelAndPictures()
const at = (name: string) => join(folder, name)
const TINY = ['--model', 'ViT-tiny-test']

const list = at('a-list-of-captioned-pictures-whose-name-is-longer-than-most.json')
const classes = at('classes')

beforeAll(async () => {
  const captions = [
    'a red square that is told of in many more words than anybody would need '.repeat(3),
    '红色的方块'.repeat(30),
  ]
  const entries = ['red', 'green', 'blue', 'red'].map((name) => ({ image: `${name}.png`, caption: captions }))
  writeFileSync(list, JSON.stringify([...entries, { image: 'text.png', caption: 'nothing' }]))
  for (const name of ['red', 'green']) cpSync(at(`${name}.png`), join(classes, `the colour ${name}`, '0.png'))
  const run = ['train', '--data', list, ...TINY, '--batch-size', '2', '--epochs', '1', '--ledger', '--out', at('run')]
  const { code, stderr, stdout } = await clipwright(
    ...run,
    '--precision',
    'bf16',
    '--lr',
    '1e-4',
    '--freeze',
    'visual.*',
  )
  expect(code, stderr).toBe(0)
  writeFileSync(at('train.txt'), stdout + stderr)
}, 60_000)

/** Lines that are too wide, but for those with a path that fills them, and what was left out, a line each for whoever reads a file. */
const tooWide = (text: string) =>
  text
    .split('\n')
    .filter((line) => columnsOf(line) > 80 && !line.startsWith('left out '))
    .filter((line) => line.split(/\s+/).every((word) => columnsOf(word) <= 70))

it('train', () => {
  const text = readFileSync(at('train.txt'), 'utf8')
  expect(text).toContain(`warning: entry 5 of`)
  expect(tooWide(text)).toEqual([])
})

const eight = ['--batch-size', '8']
it.concurrent.each([
  ['models', '--verbose'],
  ['doctor', '--verbose'],
  ['inspect', model],
  ['inspect', 'ViT-B-16-SigLIP'],
  ['inspect', 'ViT-B-32'],
  ['convert', model, at('converted'), '--layout', 'hf'],
  [
    'convert',
    model,
    at('int8'),
    '--dtype',
    'int8',
    '--check',
    list.replace(/a-list.*/, 'val.json'),
    '--max-drop',
    '100',
  ],
  ['interpolate', model, model, '--alpha', '0.5', '--out', at('between')],
  ['plan', ...TINY, ...eight, '--distill', 'ViT-tiny-test'],
  ['data', 'check', list, '--val', list],
  ['ledger', at('run')],
  ['eval', '--model', model, '--data', list, '--skip-bad'],
  ['eval', '--model', model, '--zero-shot', classes],
  ['predict', '--model', model, at('red.png'), '--text', 'words '.repeat(30), '--text', '红色的方块'.repeat(30)],
  ['classify', '--model', model, at('red.png'), '--classes', `${'words '.repeat(30)},${'红色的方块'.repeat(30)}`],
  ['probe', '--model', model, '--train', classes, '--val', classes],
  ['encode', '--model', model, '--images', folder, '--out', at('embeddings-of-all-pictures-there-are.safetensors')],
  ['bench', 'step', ...TINY, ...eight, '--steps', '1'],
  ['bench', 'profile', ...TINY, ...eight, '--steps', '1'],
  ['bench', 'infer', ...TINY, '--seconds', '0.1'],
  ['bench', 'loss', '--batch-size', '64', '--dim', '32', '--steps', '1'],
  ['bench', 'data', '--count', '2', '--seconds', '0.1'],
  ['bench', 'tokenizer', '--count', '100', '--runs', '1'],
  ['bench', 'gemm', ...TINY, ...eight],
])('%s %s', async (...args: string[]) => {
  const { code, stdout, stderr } = await clipwright(...args)
  expect(code, stderr).toBe(0)
  expect(stdout).not.toBe('')
  expect(tooWide(stdout + stderr)).toEqual([])
})

/** encode and eval by several ranks give what one process gives. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { clipwright } from '../programs/program.js'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { LIGHT } from '../train/runs.js'
import { onRanks } from './mpi.js'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })
const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
/** More than a block of the similarity matrix has, so that two ranks have some each. */
const PICTURES = 530
let data: string

beforeAll(async () => {
  await using clip = await Clip.create(LIGHT, { seed: 1 })
  await clip.save(path('model'))
  data = await captionList(folder, 'set', PICTURES)
  writeFileSync(path('set/3.png'), 'no picture')
  writeFileSync(path('texts.txt'), Array.from({ length: 150 }, (_, i) => `a text of number ${i}`).join('\n'))
})

async function alone(args: string[]): Promise<string> {
  const { code, stdout, stderr } = await clipwright(args).ended
  expect(code, stderr).toBe(0)
  return stdout
}

test.each([
  ['pictures, some of which cannot be read', ['--images', path('set/')]],
  ['texts', ['--texts', path('texts.txt')]],
])('encode: %s', async (_, inputs) => {
  const told = (out: string) => ['encode', '--model', path('model'), ...inputs, '--threads', '1', '--out', path(out)]
  await alone(told('one.safetensors'))
  const { code, output } = await onRanks(2, told('two.safetensors'))
  expect(code, output).toBe(0)
  expect(readFileSync(path('two.safetensors')).equals(readFileSync(path('one.safetensors')))).toBe(true)
  // The first speaks for both.
  expect(output.match(/embeddings of 16 numbers/g)).toHaveLength(1)
})

test('eval: recall, ranks, intervals and what was left out', async () => {
  const told = [
    'eval',
    '--model',
    path('model'),
    '--data',
    data,
    '--threads',
    '1',
    '--skip-bad',
    '--bootstrap',
    '50',
    '--json',
  ]
  const one = JSON.parse(await alone(told))
  const { code, output } = await onRanks(2, told)
  expect(code, output).toBe(0)
  const two = JSON.parse(output.split('\n').find((line) => line.startsWith('{'))!)
  expect(two).toEqual(one)
  expect(two.images).toBe(PICTURES - 1)
  expect(two.skipped).toHaveLength(1)
})

test('ranks that are given other inputs say so and write nothing', async () => {
  const told = (texts: string) => [
    'encode',
    '--model',
    path('model'),
    '--texts',
    texts,
    '--out',
    path('none.safetensors'),
  ]
  writeFileSync(path('other.txt'), 'another text')
  const { code, output } = await onRanks(2, told(path('texts.txt')), { of: { 1: told(path('other.txt')) } })
  expect(code).not.toBe(0)
  expect(output).toMatch(
    /encode: all ranks must encode the same, but the list of inputs is .* on rank 0 and .* on rank 1/,
  )
  expect(() => readFileSync(path('none.safetensors'))).toThrow('ENOENT')
})

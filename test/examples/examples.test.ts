import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { Program } from '../programs/program.js'
import { captionList, temporaryFolder } from '../train/pictures.js'

const folder = temporaryFolder()
const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (name: string) => readFileSync(join(root, name), 'utf8')
const example = (name: string, ...args: string[]) =>
  new Program(process.execPath, [join(root, 'examples', name), ...args], { timeout: 110_000 }).ended

describe('the README', () => {
  const code = (name: string) => read(`examples/${name}`).replace(/^(\/\/.*\n)+/, '')

  test('shows the examples as they are', () => {
    const blocks = [...read('README.md').matchAll(/^```js\n(import [^\n]* from 'clipwright'.*?)^```$/gms)].map(
      ([, block]) => block,
    )
    expect(blocks).toEqual([code('first.mjs'), code('train.mjs'), code('search.mjs')])
  })

  test('keeps them short', () => {
    const lines = (name: string) => code(name).trimEnd().split('\n').length
    expect(lines('train.mjs')).toBeLessThanOrEqual(20)
    expect(lines('search.mjs')).toBeLessThanOrEqual(10)
  })
})

describe('the examples', () => {
  const run = join(folder, 'run')
  beforeAll(async () => {
    const [data, val] = [await captionList(folder, 'train', 64), await captionList(folder, 'val', 64)]
    const { code, stdout, stderr } = await example('train.mjs', data, val, run, 'ViT-tiny-test')
    expect(code, stderr).toBe(0)
    expect(stdout.match(/^step \d+ {2}loss \d\.\d{3} {2}[\d.]+ pairs\/s$/gm)).toHaveLength(10)
    expect(stdout.match(/^epoch \d {2}mean recall [\d.]+ %$/gm)).toHaveLength(10)
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(run)
  }, 120_000)

  test('search in what was trained', async () => {
    expect(existsSync(join(run, 'loss.png'))).toBe(true)
    const pictures = [0, 1, 2, 3].map((i) => join(folder, `val/${i}.png`))
    const { code, stdout, stderr } = await example(
      'search.mjs',
      join(run, 'checkpoints/best'),
      'a red square',
      ...pictures,
    )
    expect(code, stderr).toBe(0)
    const found = [...stdout.matchAll(/path: '(.*)',\s+score: (-?[\d.e-]+)/g)]
    expect(found.map(([, path]) => path).sort()).toEqual(pictures)
    const scores = found.map(([, , score]) => Number(score))
    expect(scores).toEqual([...scores].sort((a, b) => b - a))
    for (const score of scores) expect(Math.abs(score)).toBeLessThanOrEqual(1.0001)
  })
})

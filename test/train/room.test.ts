import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { train } from '../../lib/train/run.js'
import { goOn, NAMES, outcomeOf, trainStruck } from '../torture/torture.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, LIGHT, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
const options = { model: LIGHT, batchSize: 8, epochs: 1, threads: 1 } as const
let data: string
let config: string
beforeAll(async () => {
  data = await captionList(folder, 'train', 16)
  await train({ ...options, data, out: path('whole') }).result
  config = readFileSync(join(path('whole'), 'config.json'), 'utf8')
})

/** A folder with these files; a name that ends in / is a folder. */
function folderOf(name: string, files: Record<string, string>): string {
  mkdirSync(path(name))
  for (const [file, text] of Object.entries(files)) {
    if (file.endsWith('/')) mkdirSync(join(path(name), file))
    else writeFileSync(join(path(name), file), text)
  }
  return path(name)
}

describe('what a process leaves that is ended in its first moments is taken by the next', () => {
  test.each<[string, () => Record<string, string>]>([
    ['an empty folder', () => ({})],
    ['a lock of a dead process', () => ({ '.lock': '{"pid":1,"began":"","space":"","id":"x"}' })],
    ['half a config.json', () => ({ '.config.json.0123456789ab.tmp': '{"epo' })],
    ['config.json', () => ({ 'config.json': config })],
    ['config.json and no checkpoints', () => ({ 'config.json': config, 'checkpoints/': '' })],
    ['empty logs', () => ({ 'config.json': config, 'checkpoints/': '', 'log.jsonl': '', 'bad-samples.jsonl': '' })],
    ['the start in the log', () => ({ 'config.json': config, 'log.jsonl': '{"type":"start"}\n' })],
  ])('%s', async (name, files) => {
    const out = folderOf(name, files())
    if (name.includes('lock')) {
      const { utimesSync } = await import('node:fs')
      utimesSync(join(out, '.lock'), 1, 1)
    }
    expect(await train({ ...options, data, out }).result).toMatchObject({ steps: 2 })
    expect(readdirSync(out).sort()).toEqual(readdirSync(path('whole')).sort())
  })

  test.each([1, 2, 4, 6])('killed before its call %i, at the start and while it replaces another', async (at) => {
    const out = path(`killed-${at}`)
    const ended = await trainStruck({ ...options, data, out }, { calls: NAMES, under: out, at, effect: 'kill' })
    expect(ended.signal).toBe('SIGKILL')
    expect(await goOn({ ...options, data, out })).toMatchObject({ code: 'done' })

    const over = { ...options, data, out, overwrite: true }
    await trainStruck(over, { calls: NAMES, under: out, at: at * 2, effect: 'kill' })
    expect(readdirSync(out)).toContain('config.json')
    expect(outcomeOf(await trainStruck(over))).toMatchObject({ code: 'done' })
    expect(await digestsOf(out, WEIGHTS)).toEqual(await digestsOf(path('whole'), WEIGHTS))
  })
})

describe('what is no run, or more than its beginning, stays as it is', () => {
  test.each<[string, () => Record<string, string>, RegExp]>([
    ["a model's config.json", () => ({ 'config.json': '{"model_type":"clip"}' }), /is not a run folder/],
    ['something else', () => ({ 'notes.txt': 'mine' }), /is not a run folder/],
    ['a beginning beside something else', () => ({ 'config.json': config, 'notes.txt': 'mine' }), /replace it/],
    ['a step in the log', () => ({ 'config.json': config, 'log.jsonl': '{"type":"step"}\n' }), /replace it/],
    ['a checkpoint', () => ({ 'config.json': config, 'checkpoints/': '', 'checkpoints/last/': '' }), /replace it/],
  ])('%s', async (name, files, message) => {
    const out = folderOf(name, files())
    const before = readdirSync(out, { recursive: true })
    await expect(train({ ...options, data, out }).result).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
    expect(readdirSync(out, { recursive: true })).toEqual(before)
  })
})

test('leftovers of killed processes go when a run is resumed, and what they had put aside comes back', async () => {
  const out = path('leftovers')
  cpSync(path('whole'), out, { recursive: true })
  const before = readdirSync(out, { recursive: true }).sort()
  const checkpoints = join(out, 'checkpoints')
  cpSync(join(checkpoints, 'best'), join(checkpoints, '.best.previous'), { recursive: true })
  renameSync(join(checkpoints, 'last'), join(checkpoints, '.last.previous'))
  mkdirSync(join(checkpoints, '.last.0123456789ab.tmp'))
  for (const name of ['.loss.png.0123456789ab.tmp', '.config.json.0123456789ab.tmp']) writeFileSync(join(out, name), '')
  writeFileSync(join(out, '.mine.0123456789ab.tmp'), '')
  await train({ resume: out }).result
  expect(readdirSync(out, { recursive: true }).sort()).toEqual(['.mine.0123456789ab.tmp', ...before].sort())
  expect(existsSync(join(checkpoints, '.best.previous'))).toBe(false)
})

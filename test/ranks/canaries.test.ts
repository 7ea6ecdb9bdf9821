/** What a model must not forget is measured by ranks together, and is what one process measures. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import type { TrainOptions } from '../../lib/train/options/options.js'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { LIGHT, logOf } from '../train/runs.js'
import { onRanks } from './mpi.js'

vi.setConfig({ testTimeout: 180_000 })
const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
const telling = fileURLToPath(new URL('tell-opened.mjs', import.meta.url))
/** Uneven between the classes, and between two ranks. */
const PICTURES = 11

const canariesOf = (name: string) => logOf(path(name)).flatMap((event) => (event.type === 'canary' ? [event] : []))

test('a list and a folder of classes: each rank reads its share, and the figures are those of one process', async () => {
  await using clip = await Clip.create(LIGHT, { seed: 3 })
  await clip.save(path('model'))
  const data = await captionList(folder, 'train', 20)
  const known = await captionList(folder, 'known', 9)
  for (let i = 0; i < PICTURES; i++) {
    const of = path(`classes/${['square', 'circle', 'star'][i % 3]}`)
    mkdirSync(of, { recursive: true })
    copyFileSync(path(`train/${i}.png`), join(of, `${i}.png`))
  }
  const given: TrainOptions = {
    load: path('model'),
    data,
    canary: [known, path('classes')],
    batchSize: 10,
    epochs: 2,
    threads: 1,
    lr: 1e-2,
    warmup: 0,
    augment: false,
  }
  await train({ ...given, out: path('one') }).result
  writeFileSync(path('two.json'), JSON.stringify({ ...given, out: path('two') }))
  const env = Object.fromEntries(
    [0, 1].map((rank) => [
      rank,
      { NODE_OPTIONS: `--import=${telling}`, OPENED: path('classes/'), TOLD: path(`opened-${rank}`) },
    ]),
  )
  const { code, output } = await onRanks(2, ['train', '--config', path('two.json')], { env })
  expect(code, output).toBe(0)

  const [one, two] = [canariesOf('one'), canariesOf('two')]
  expect(one.map(({ step, measure }) => [step, measure])).toEqual(
    [0, 2, 4].flatMap((step) => [
      [step, 'r_mean'],
      [step, 'top1'],
    ]),
  )
  // Weights agree to rounding, which is too little to change an order here.
  expect(two.map(({ list: _, ...rest }) => rest)).toEqual(one.map(({ list: _, ...rest }) => rest))
  expect(new Set(one.map(({ value }) => value)).size).toBeGreaterThan(1)
  const opened = [0, 1].map((rank) => Number(readFileSync(path(`opened-${rank}`), 'utf8')))
  expect(opened[0]! + opened[1]!).toBe(3 * PICTURES)
  for (const count of opened) expect(count).toBeGreaterThanOrEqual(3 * Math.floor(PICTURES / 2))
})

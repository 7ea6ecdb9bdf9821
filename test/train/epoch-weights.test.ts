import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Clip } from '../../lib/clip/clip.js'
import { saveModel } from '../../lib/clip/save.js'
import { EpochWeights } from '../../lib/train/epoch-weights.js'
import type { TrainEvent } from '../../lib/train/events.js'
import type { Settings } from '../../lib/train/options/options.js'
import type { RunFolder } from '../../lib/train/run-folder.js'
import { temporaryFolder } from './pictures.js'

const root = temporaryFolder()
let folder: string
let saves = 0
beforeEach(() => {
  folder = join(root, String(Math.random()))
  mkdirSync(folder)
  saves = 0
})

// A model is its number: the weights of the n-th save.
vi.mock('../../lib/clip/save.js', () => ({
  saveModel: vi.fn(async (_clip: Clip, path: string) => {
    // Files of a model are replaced, never changed: other names may share them.
    rmSync(path, { recursive: true, force: true })
    mkdirSync(path, { recursive: true })
    writeFileSync(join(path, 'open_clip_config.json'), `${++saves}`)
  }),
}))

const clip = {} as Clip
const stored = () =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [
      name,
      Number(readFileSync(join(folder, name, 'open_clip_config.json'), 'utf8')),
    ]),
  )

function weights(settings: Partial<Settings>) {
  const runFolder = { weights: (name: string) => join(folder, name) } as RunFolder
  const all = { weightsEvery: 1, weightsDtype: 'fp16', epochs: 5, val: 'val.json', ...settings } as Settings
  return new EpochWeights(runFolder, all)
}
const epoch = (number: number, loss: number): TrainEvent => ({ type: 'epoch', epoch: number, loss })
const measured = (type: 'eval' | 'validation', number: number, loss: number) =>
  ({ type, epoch: number, step: 0, loss, ...(type === 'eval' && { recall: {} }) }) as TrainEvent

describe('weights of epochs', () => {
  test('are named by epoch and losses; the best has the lowest validation loss, by whatever it was measured', async () => {
    const all = weights({})
    const losses = [3, 2.5, 2.25, 2.5, 2.25]
    for (const [i, loss] of losses.entries()) {
      all.add(epoch(i, 9 - i))
      all.add(measured(i % 2 ? 'eval' : 'validation', i, loss))
      await all.keep(clip)
      // The first of two that are equal.
      expect(stored().best_epoch_weights, `epoch ${i}`).toBe([1, 2, 3, 3, 3][i])
      expect(stored().last_epoch_weights).toBe(i + 1)
    }
    expect(stored()).toEqual({
      'ep001-loss9.000-val_loss3.000': 1,
      'ep002-loss8.000-val_loss2.500': 2,
      'ep003-loss7.000-val_loss2.250': 3,
      'ep004-loss6.000-val_loss2.500': 4,
      'ep005-loss5.000-val_loss2.250': 5,
      best_epoch_weights: 3,
      last_epoch_weights: 5,
    })
    expect(vi.mocked(saveModel)).toHaveBeenLastCalledWith(
      clip,
      join(folder, 'last_epoch_weights'),
      { dtype: 'fp16' },
      { still: true },
    )
  })

  test('are kept every so many epochs, and of the last', async () => {
    const all = weights({ weightsEvery: 2 })
    for (let i = 0; i < 5; i++) {
      all.add(epoch(i, 1))
      await all.keep(clip)
    }
    // Without a loss of the validation list that is there, none is the best.
    expect(Object.keys(stored())).toEqual([
      'ep002-loss1.000',
      'ep004-loss1.000',
      'ep005-loss1.000',
      'last_epoch_weights',
    ])
  })

  test('without a validation list go by the training loss', async () => {
    const all = weights({ val: undefined as never })
    for (const [i, loss] of [1, 3, 2].entries()) {
      all.add(epoch(i, loss))
      await all.keep(clip)
    }
    expect(stored()).toMatchObject({ best_epoch_weights: 1, last_epoch_weights: 3 })
  })

  test('replace those of the same epoch with other losses, and no others', async () => {
    for (const name of ['ep002-loss9.000', 'ep0021-loss9.000', 'ep001-loss9.000']) {
      mkdirSync(join(folder, name))
      writeFileSync(join(folder, name, 'open_clip_config.json'), '77')
    }
    const all = weights({})
    all.add(epoch(1, 2.5))
    await all.keep(clip)
    expect(stored()).toEqual({
      'ep001-loss9.000': 77,
      'ep0021-loss9.000': 77,
      'ep002-loss2.500': 1,
      last_epoch_weights: 1,
    })
  })

  test('are none where none are asked for', async () => {
    const all = weights({ weightsEvery: 0 })
    all.add(epoch(0, 1))
    await all.keep(clip)
    expect(stored()).toEqual({})
  })
})

import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, logOf, MODEL, stepsOf, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
const options = { model: MODEL, batchSize: 8, epochs: 2, threads: 1, lr: 1e-3 } as const
let data: string

beforeAll(async () => {
  // Every third picture is the first once more, with words of its own: 13 of 40.
  data = await captionList(folder, 'train', 40, (entry, i) => ({
    ...(i % 3 === 0 ? { ...entry, image: 'train/0.png' } : entry),
    caption: `${[entry.caption].flat()[0]} ${i}`,
  }))
})

describe.each(['infonce', 'siglip'] as const)('positives with %s', (loss) => {
  test('change the run, alike in micro-batches, and are gone on with to the same bits', async () => {
    const [plain, whole, stopped, parts] = ['plain', 'whole', 'stopped', 'parts'].map((name) => path(`${loss}-${name}`))
    await train({ ...options, loss, data, out: plain! }).result
    await train({ ...options, loss, data, positives: 'picture', out: whole! }).result
    const steps = stepsOf(logOf(whole!))
    expect(steps).toHaveLength(10)
    expect(steps).not.toEqual(stepsOf(logOf(plain!)))

    const run = train({ ...options, loss, data, positives: 'picture', out: stopped! })
    for await (const event of run) if (event.type === 'step' && event.step === 3) break
    await run.stop()
    await train({ resume: stopped! }).result
    expect(stepsOf(logOf(stopped!))).toEqual(steps)
    expect(await digestsOf(stopped!, WEIGHTS)).toEqual(await digestsOf(whole!, WEIGHTS))

    await train({ ...options, loss, data, positives: 'picture', microBatch: 3, out: parts! }).result
    for (const [i, step] of stepsOf(logOf(parts!)).entries()) expect(step.loss).toBeCloseTo(steps[i]!.loss, 2)
  })
})

test('one picture under many paths is the same by its bytes, and by its path alone', async () => {
  const [byPath, byBytes] = [path('by-path'), path('by-bytes')]
  await train({ ...options, data, positives: 'id', out: byPath }).result
  await train({ ...options, data, positives: 'picture', out: byBytes }).result
  // No two of the others are alike, so that both say the same of this list.
  expect(stepsOf(logOf(byPath))).toEqual(stepsOf(logOf(byBytes)))
})

test('another kind is refused, and so is a change when a run goes on', async () => {
  const wrong = train({ ...options, data, positives: 'words' as never, out: path('wrong') })
  await expect(wrong.result).rejects.toThrow(/"positives": expected one of "id"\|"caption"\|"picture"/)
  const out = path('fixed')
  await train({ ...options, epochs: 1, data, positives: 'caption', out }).result
  await expect(train({ resume: out, epochs: 2, positives: 'id' }).result).rejects.toThrow(/positives/)
})

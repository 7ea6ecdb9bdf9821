import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { encodeAddresses } from '../../lib/clip/encode-addresses.js'
import type { EvalSet } from '../../lib/eval/eval-set.js'
import { evaluate, validationLoss } from '../../lib/eval/evaluate.js'
import { InfoNCE } from '../../lib/loss/info-nce.js'
import { openList } from '../data/open-list.js'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { MODEL } from '../train/runs.js'

const folder = temporaryFolder()
let clip: Clip
let set: EvalSet
beforeAll(async () => {
  clip = await Clip.create(MODEL, { threads: 1, seed: 3 })
  // Five pictures with captions, the second with three, and one without.
  const captions = ['a', 'b one', 'b two', 'b three', 'c', 'd', 'e']
  const { items } = await openList(await captionList(folder, 'val', 6))
  set = {
    images: items.map(({ image }) => image),
    captions,
    imageOfCaption: [[0], [1], [1], [1], [2], [3], [4]],
    joined: 0,
  }
})
afterAll(() => clip.dispose())

/** Mean of both cross-entropies of each batch of pictures and their first captions, by the definition. */
async function lossByHand(batchSize: number, batches: number): Promise<number> {
  const images = (await encodeAddresses(clip, set.images, { batchSize: 64 })).data
  const texts = (await clip.encodeTexts(['a', 'b one', 'c', 'd', 'e'])).data
  const dim = texts.length / 5
  const scale = Math.exp(
    (
      await clip
        .parameters()
        .find(({ name }) => name === 'logit_scale')!
        .read()
    ).data[0]!,
  )
  let sum = 0
  for (let b = 0; b < batches; b++) {
    const pairs = Array.from({ length: batchSize }, (_, i) => b * batchSize + i)
    const logit = (i: number, j: number) => {
      let dot = 0
      for (let k = 0; k < dim; k++) dot += images[i * dim + k]! * texts[j * dim + k]!
      return scale * dot
    }
    const entropy = (own: number, logits: number[]) =>
      Math.log(logits.reduce((total, x) => total + Math.exp(x - own), 0))
    for (const i of pairs) {
      const toText = entropy(
        logit(i, i),
        pairs.map((j) => logit(i, j)),
      )
      const toImage = entropy(
        logit(i, i),
        pairs.map((j) => logit(j, i)),
      )
      sum += (toText + toImage) / 2 / batchSize
    }
  }
  return sum / batches
}

describe('the loss of a validation list', () => {
  test.each([
    [2, 2, 2], // the fifth pair is left out
    [5, 5, 1],
    [64, 5, 1], // all there is
  ])('is the mean over batches of %i', async (batchSize, size, batches) => {
    const expected = await lossByHand(size, batches)
    const { loss, recall } = await evaluate(clip, set, { batchSize })
    expect(loss).toBeCloseTo(expected, 4)
    expect(await validationLoss(clip, set, { batchSize })).toBeCloseTo(expected, 4)
    // All captions are found and all pictures searched.
    expect(recall.chance.img_r1).toBeCloseTo(100 / 6, 9)
    expect(recall.chance.txt_r1).toBeCloseTo((100 * (4 * (1 / 7) + 3 / 7)) / 5, 9)
  })

  test('is reduced as the run’s is', async () => {
    const o = { batchSize: 5, loss: new InfoNCE({ reduction: 'sum' }) }
    const twice = 2 * (await lossByHand(5, 1))
    expect((await evaluate(clip, set, o)).loss).toBeCloseTo(twice, 4)
    expect(await validationLoss(clip, set, o)).toBeCloseTo(twice, 4)
  })

  test('takes one picture of each caption, too', async () => {
    const one = { ...set, images: set.images.slice(0, 5), imageOfCaption: Int32Array.of(0, 1, 1, 1, 2, 3, 4) }
    expect(await validationLoss(clip, one, { batchSize: 5 })).toBeCloseTo(await lossByHand(5, 1), 4)
  })

  test('stops at an abort with its reason', async () => {
    const reason = new Error('enough')
    const o = { batchSize: 5, signal: AbortSignal.abort(reason) }
    await expect(evaluate(clip, set, o)).rejects.toBe(reason)
    await expect(validationLoss(clip, set, o)).rejects.toBe(reason)
  })
})

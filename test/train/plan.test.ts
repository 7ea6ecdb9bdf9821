import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { planTraining } from '../../lib/train/plan.js'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from './pictures.js'
import { eventsOf, LIGHT, MODEL, stepsOf, warningsOf } from './runs.js'

const folder = temporaryFolder()
/** Its activations of a batch are far more than its weights. */
const WIDE = { ...LIGHT, vision_cfg: { image_size: 64, layers: 6, width: 64, head_width: 32, patch_size: 8 } }
/** Threads have room of their own for what they compute. */
const sizes = { model: WIDE, batchSize: 64, device: 'cpu', threads: 1 } as const

describe('a plan', () => {
  test('has every part in bytes, which are the total', async () => {
    const plan = await planTraining({ model: MODEL, batchSize: 32, device: 'cpu' })
    const clip = await Clip.create(MODEL, { device: 'cpu' })
    const numbers = clip.parameters().reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
    await clip.dispose()
    const { weights, gradients, moments, activations, total } = plan
    expect(weights).toBeGreaterThanOrEqual(4 * numbers)
    expect(gradients).toBeGreaterThanOrEqual(4 * numbers)
    expect(gradients).toBeLessThan(4.5 * numbers)
    expect(moments).toBe(2 * gradients)
    expect(weights + gradients + moments + activations).toBe(total)
    expect(plan).toMatchObject({ microBatch: 32, checkpointing: false, pairsPerRank: 32, device: 'cpu' })
    const sgd = await planTraining({ model: MODEL, batchSize: 32, device: 'cpu', optimizer: 'sgd' })
    expect(sgd).toMatchObject({ moments: 0, gradients, activations, savedCopy: 4 * numbers })
    expect(plan.savedCopy).toBe(3 * 4 * numbers)
  })

  test('counts a teacher: its weights once, and what it encodes a micro-batch in', async () => {
    const alone = await planTraining(sizes)
    const plan = await planTraining({ ...sizes, distill: MODEL })
    const clip = await Clip.create(MODEL, { device: 'cpu' })
    const numbers = clip.parameters().reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
    await clip.dispose()
    expect(plan.teacher).toBeGreaterThanOrEqual(4 * numbers)
    const { weights, gradients, moments, activations, teacher, total } = plan
    expect(weights + gradients + moments + activations + teacher!).toBe(total)
    expect(plan).toMatchObject({ weights: alone.weights, gradients: alone.gradients, moments: alone.moments })
    const micro = await planTraining({ ...sizes, distill: MODEL, microBatch: 8 })
    expect(micro.teacher).toBeLessThan(plan.teacher!)
    expect(micro.teacher).toBeGreaterThanOrEqual(4 * numbers)
    expect(alone.teacher).toBeUndefined()
  })

  test('shrinks with ranks, captions, micro-batches and checkpointing', async () => {
    const { activations } = await planTraining(sizes)
    for (const less of [{ ranks: 4 }, { microBatch: 8 }, { checkpointing: true }])
      expect((await planTraining({ ...sizes, ...less })).activations).toBeLessThan(activations)
    const told = { ...sizes, model: 'ViT-tiny-test' } // whose text tower is not small beside the other
    const [long, short] = [await planTraining(told), await planTraining({ ...told, tokens: 4 })]
    expect(short.activations).toBeLessThan(long.activations)
  })

  test('chooses the first shape that fits', async () => {
    const whole = await planTraining(sizes)
    const kept = await planTraining({ ...sizes, checkpointing: true })
    const half = await planTraining({ ...sizes, microBatch: 32 })
    const fit = async (memory: number) => {
      const { microBatch, checkpointing, total } = await planTraining({ ...sizes, memory })
      expect(total).toBeLessThanOrEqual(memory)
      return { microBatch, checkpointing }
    }
    expect(await fit(whole.total)).toEqual({ microBatch: 64, checkpointing: false })
    expect(await fit(whole.total - 1)).toEqual({ microBatch: 64, checkpointing: true })
    expect(half.total).toBeLessThan(kept.total)
    expect(await fit(kept.total - 1)).toEqual({ microBatch: 32, checkpointing: false })
    await expect(planTraining({ ...sizes, memory: '1M' })).rejects.toMatchObject({
      code: 'ERR_OUT_OF_MEMORY',
      message: expect.stringMatching(
        /a step of 64 pairs takes at least \d+ MiB with micro-batches of 1.* \(weights \d+ MiB, gradients \d+ MiB, moments \d+ MiB, activations \d+ MiB\), but 1 MiB are allowed/,
      ),
    })
  })

  test.each([
    ['memory', '16 apples'],
    ['tokens', 1000],
    ['ranks', 0],
  ])('refuses %s: %s', async (name, value) => {
    await expect(planTraining({ ...sizes, [name]: value })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(name),
    })
  })
})

describe('a run with memory', () => {
  let data: string
  beforeAll(async () => {
    data = await captionList(folder, 'train', 64)
  })
  const options = { model: WIDE, batchSize: 64, epochs: 1, threads: 1, device: 'cpu' } as const

  test('takes the shape that fits, says so, and learns the same', async () => {
    const whole = await planTraining(sizes)
    const plain = await eventsOf(train({ ...options, data, out: join(folder, 'plain') }))
    const out = join(folder, 'fitted')
    const events = await eventsOf(train({ ...options, data, out, memory: whole.total - 1 }))
    expect(warningsOf(events, 'memory')).toEqual([
      expect.stringMatching(/^steps go through the towers 64 pairs at a time, with checkpointing: so they take/),
    ])
    expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'))).toMatchObject({
      microBatch: 64,
      checkpointing: true,
    })
    expect(stepsOf(events)[0]!.loss).toBeCloseTo(stepsOf(plain)[0]!.loss, 5)
    const enough = await eventsOf(train({ ...options, data, out: join(folder, 'enough'), memory: '8G' }))
    expect(warningsOf(enough, 'memory')).toEqual([])
    expect(stepsOf(enough)).toEqual(stepsOf(plain))
  })

  test('that cannot be is refused with figures before there is a run folder', async () => {
    const out = join(folder, 'none')
    await expect(train({ ...options, data, out, memory: '1M' }).result).rejects.toMatchObject({
      code: 'ERR_OUT_OF_MEMORY',
      message: expect.stringMatching(/train: a step of 64 pairs takes at least .* but 1 MiB are allowed/),
    })
    expect(existsSync(out)).toBe(false)
  })
})

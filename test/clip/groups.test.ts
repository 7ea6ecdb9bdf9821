import { describe, expect, it } from 'vitest'
import { Clip, InfoNCE, SigLip } from '../../lib/index.js'
import { rejection } from '../checkpoint/weights.js'
import { images, TINY, tokens } from './tiny.js'

const pairs = () => ({ images: images(6), tokens: tokens(6) })

describe.each([
  ['InfoNCE', () => new InfoNCE()],
  ['SigLip', () => new SigLip()],
])('groups of a batch, with %s', (_, make) => {
  it('are left out of each other, whatever names them, and alike in micro-batches', async () => {
    await using clip = await Clip.create(TINY, { device: 'cpu', seed: 1 })
    const lossOf = async (groups?: Int32Array | (string | number)[], microBatch?: number) => {
      const { loss } = await clip.forwardBackward(
        { ...pairs(), ...(groups && { groups }) },
        make(),
        microBatch === undefined ? {} : { microBatch },
      )
      return loss
    }
    const plain = await lossOf()
    const grouped = await lossOf(['a', 'b', 'a', 'c', 'b', 'a'])
    expect(grouped).toBeLessThan(plain - 0.05)
    expect(await lossOf([7, 2 ** 40, 7, 0.5, 2 ** 40, 7])).toBe(grouped)
    expect(await lossOf(Int32Array.of(-1, 3, -1, 9, 3, -1))).toBe(grouped)
    expect(await lossOf(['a', 'b', 'c', 'd', 'e', 'f'])).toBe(plain)
    expect(await lossOf(Int32Array.of(-1, 3, -1, 9, 3, -1), 4)).toBeCloseTo(grouped, 5)
  })
})

it('groups are one for each pair', async () => {
  await using clip = await Clip.create(TINY, { device: 'cpu' })
  const run = (groups: unknown) => clip.forwardBackward({ ...pairs(), groups } as never, new InfoNCE())
  await expect(run(Int32Array.of(1, 2))).rejects.toThrow(
    rejection('ERR_INVALID_ARGUMENT', 'groups: expected 6 values, got 2'),
  )
  await expect(run(['a'])).rejects.toThrow(
    rejection('ERR_INVALID_ARGUMENT', 'groups: expected an Int32Array or a list of 6'),
  )
  await expect(run([1, 2, 3, 4, 5, {}])).rejects.toThrow(
    rejection('ERR_INVALID_ARGUMENT', 'groups[5]: expected a string or a number'),
  )
})

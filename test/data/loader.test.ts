import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ClipwrightError } from '../../lib/base/errors.js'
import { ListedSource } from '../../lib/data/listed.js'
import { type BadSample, type LoaderOptions, type TrainingBatch, trainingBatches } from '../../lib/data/loader.js'
import { epochOrder } from '../../lib/data/sampler.js'
import type { DataSource, EpochStart } from '../../lib/data/source.js'
import type { ImageAddress } from '../../lib/image/source.js'

const list = (count: number) =>
  new ListedSource({
    path: 'list.json',
    format: 'list',
    protocol: 'any',
    items: Array.from({ length: count }, (_, i) => ({ image: `${i}.png`, captions: [`a ${i}`, `b ${i}`, `c ${i}`] })),
  })

/** A picture whose bytes tell its index and epoch, after a wait that differs from one to the next. */
const decode = async (_path: unknown, index: number, epoch: number) => {
  await sleep((index * 7) % 5)
  return Uint8Array.from([index, epoch, 0])
}

const options = (o: Partial<LoaderOptions> = {}): LoaderOptions => ({
  source: list(23),
  batchSize: 4,
  size: 1,
  seed: 3,
  epochs: 2,
  decode,
  ...o,
})

async function all(o: LoaderOptions): Promise<TrainingBatch[]> {
  const batches = []
  for await (const batch of trainingBatches(o)) batches.push(batch)
  return batches
}
const essence = (batches: TrainingBatch[]) =>
  batches.map((b) => ({
    epoch: b.epoch,
    indices: [...b.indices],
    captions: b.captions,
    data: [...b.pixels.data],
    next: b.next,
  }))

describe('trainingBatches', () => {
  it('takes every sample at most once an epoch, in the order that the seed gives', async () => {
    const batches = await all(options())
    expect(batches.map((b) => b.epoch)).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    const epoch0 = batches.slice(0, 5).flatMap((b) => [...b.indices])
    expect(epoch0).toEqual([...epochOrder(23, 3, 0).slice(0, 20)])
    expect(new Set(epoch0).size).toBe(20)
    expect(batches[5]?.indices).not.toEqual(batches[0]?.indices)
    for (const b of batches)
      for (const [i, index] of b.indices.entries()) {
        expect([...b.pixels.data.slice(3 * i, 3 * i + 2)]).toEqual([index, b.epoch])
        expect(b.captions[i]?.slice(2)).toBe(`${index}`)
      }
  })

  it('goes on from any cursor as if it had never stopped', async () => {
    const batches = essence(await all(options()))
    for (const cut of [1, 4, 5, 7]) {
      const start = (batches[cut - 1] as { next: { epoch: number; position: number } }).next
      expect(essence(await all(options({ start })))).toEqual(batches.slice(cut))
    }
  })

  it('does not depend on how far ahead it decodes', async () => {
    expect(essence(await all(options({ ahead: 1 })))).toEqual(essence(await all(options({ ahead: 23 }))))
  })

  it('replaces a bad sample by the next of the order, and tells of it once', async () => {
    const told: BadSample[] = []
    const order = epochOrder(23, 3, 0)
    const badIndex = order[1] as number
    const batches = await all(
      options({
        decode: async (path, index, epoch) => {
          if (index === badIndex) throw new ClipwrightError('ERR_IMAGE', `${path} is no picture`)
          return decode(path, index, epoch)
        },
        onBadSample: (b) => told.push(b),
      }),
    )
    expect([...(batches[0] as TrainingBatch).indices]).toEqual([order[0], order[2], order[3], order[4]])
    expect(told.map((b) => b.index)).toEqual([badIndex])
    expect(told[0]?.path).toBe(`${badIndex}.png`)
  })

  it('goes on from any cursor as if it had never stopped, bad samples included', async () => {
    const badIndices = [2, 9, 17]
    const run = async (o: Partial<LoaderOptions>) => {
      const told: number[] = []
      const batches = await all(
        options({
          epochs: 3,
          decode: async (path, index, epoch) => {
            if (badIndices.includes(index)) throw new ClipwrightError('ERR_NOT_FOUND', `no ${path}`)
            return decode(path, index, epoch)
          },
          onBadSample: (b) => told.push(b.index),
          ...o,
        }),
      )
      return { batches: essence(batches), told }
    }
    const whole = await run({})
    expect([...whole.told].sort((a, b) => a - b)).toEqual(badIndices)
    expect(whole.batches.flatMap((b) => b.indices).filter((i) => badIndices.includes(i))).toEqual([])
    for (let cut = 1; cut < whole.batches.length; cut++) {
      const start = (whole.batches[cut - 1] as { next: { epoch: number; position: number } }).next
      const resumed = await run({ start, knownBad: whole.told.slice(0, 1), ahead: 5 })
      expect(resumed.batches).toEqual(whole.batches.slice(cut))
      expect(resumed.told).not.toContain(whole.told[0]) // told before the run was interrupted
    }
  })

  it('leaves out what cannot be read, but not what fails for other reasons', async () => {
    const run = (error: Error) => {
      const told: Error[] = []
      const failing = async (path: ImageAddress, index: number, epoch: number) => {
        if (index === 5) throw error
        return decode(path, index, epoch)
      }
      return all(options({ epochs: 1, decode: failing, onBadSample: (b) => told.push(b.error) })).then(() => told)
    }
    for (const code of ['ERR_IMAGE', 'ERR_NOT_FOUND', 'ERR_IO'] as const) {
      const error = new ClipwrightError(code, 'broken')
      expect(await run(error)).toEqual([error])
    }
    const other = new ClipwrightError('ERR_OUT_OF_MEMORY', 'no room')
    await expect(run(other)).rejects.toBe(other)
  })

  it('decodes on while a batch is used, and is done with it when nobody wants more', async () => {
    let [begun, running] = [0, 0]
    const counted: LoaderOptions['decode'] = async (path, index, epoch) => {
      begun++
      running++
      return decode(path, index, epoch).finally(() => running--)
    }
    const batches = trainingBatches(options({ decode: counted }))
    await batches.next()
    // Of batches of 4, two are decoded ahead.
    expect(begun).toBe(4 + 8)
    expect(running).toBeGreaterThan(0)
    await batches.return(undefined)
    expect([begun, running]).toEqual([12, 0])
  })

  it('stops when too many are bad', async () => {
    const run = all(
      options({
        source: list(100),
        decode: async (path, index, epoch) => {
          if (index % 3 === 0) throw new ClipwrightError('ERR_IMAGE', 'broken')
          return decode(path, index, epoch)
        },
      }),
    )
    await expect(run).rejects.toMatchObject({ code: 'ERR_DATA', message: expect.stringContaining('10 of 100') })
  })

  it.each([
    [9, 36], // a quarter, but fewer than ten
    [10, 1000], // 1 % and no more
  ])('goes on with %i bad ones of %i', async (bad, count) => {
    const told: number[] = []
    const batches = await all(
      options({
        source: list(count),
        epochs: 1,
        decode: async (_, index) => {
          if (index < bad) throw new ClipwrightError('ERR_IMAGE', 'broken')
          return Uint8Array.of(index % 256, 0, 0)
        },
        onBadSample: ({ index }) => told.push(index),
      }),
    )
    expect(told).toHaveLength(bad)
    expect(batches).toHaveLength(Math.floor((count - bad) / 4))
  })

  it('stops at the first beyond 1 %', async () => {
    const run = all(
      options({
        source: list(1000),
        decode: async (_, index) => {
          if (index % 50 === 7) throw new ClipwrightError('ERR_IMAGE', 'broken')
          return Uint8Array.of(0, 0, 0)
        },
      }),
    )
    await expect(run).rejects.toMatchObject({ code: 'ERR_DATA', message: expect.stringContaining('11 of 1000') })
  })

  it('has pictures decoded where their batch is made, and moves them only behind a bad one', async () => {
    const given: Uint8Array[] = []
    const into: LoaderOptions['decode'] = async (_path, index, epoch, place) => {
      if (index === 5 && epoch === 1) throw new ClipwrightError('ERR_IMAGE', 'broken')
      given.push(place!)
      place!.set([index, epoch, 0])
      return place!
    }
    const batches = await all(options({ decode: into }))
    expect(essence(batches.slice(0, 5))).toEqual(essence(await all(options({ epochs: 1 }))))
    for (const { pixels } of batches.slice(0, 5))
      expect(given.filter(({ buffer }) => buffer === pixels.data.buffer)).toHaveLength(4)
    for (const { indices, pixels } of batches.slice(5))
      expect([...pixels.data]).toEqual([...indices].flatMap((index) => [index, 1, 0]))
    expect(batches.slice(5).flatMap(({ indices }) => [...indices])).not.toContain(5)
  })

  it('takes a list of one batch', async () => {
    expect((await all(options({ source: list(4) }))).map((b) => b.indices.length)).toEqual([4, 4])
  })

  it('decodes no more pictures at a time than it is told', async () => {
    let running = 0
    let most = 0
    await all(
      options({
        ahead: 3,
        decode: async (path, index, epoch) => {
          most = Math.max(most, ++running)
          return decode(path, index, epoch).finally(() => running--)
        },
      }),
    )
    expect(most).toBe(3)
  })

  it('refuses a list smaller than one batch, with both numbers', async () => {
    await expect(all(options({ source: list(3) }))).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(/3 pictures.*batch of 4/),
    })
  })

  it('stops at an abort with its reason', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const run = (async () => {
      for await (const batch of trainingBatches(options({ signal: controller.signal })))
        if (batch.next.position > 8) controller.abort(reason)
    })()
    await expect(run).rejects.toBe(reason)
  })
})

describe('a source without a known size, read as it comes', () => {
  /** Three shards that are read one after the other; each knows its samples once it is open. */
  const shards = [7, 9, 5]
  const opened: number[] = []
  const stream = (o: { fail?: number } = {}): DataSource => ({
    path: 'shards',
    format: 'test',
    size: undefined,
    protocol: 'any',
    identity: async () => 'abc',
    someCaptions: async () => [],
    sample: () => Promise.reject(new Error('not asked')),
    nameOf: (index) => `sample ${index}`,
    retrieval: () => Promise.reject(new Error('not evaluated')),
    async *samples({ epoch, from }: EpochStart) {
      let position = 0
      for (let s = 0; s < shards.length; s++) {
        const shard = (s + epoch) % shards.length
        opened.push(shard)
        await sleep(1)
        if (o.fail === shard) throw new ClipwrightError('ERR_IO', `shard ${shard} is gone`)
        for (let i = 0; i < shards[shard]!; i++, position++) {
          if (position < from) continue
          yield { index: 100 * shard + i, position, image: `${shard}/${i}`, captions: [`a ${100 * shard + i}`] }
        }
      }
    },
  })
  const streamed = (o: Partial<LoaderOptions> = {}) => options({ source: stream(), ...o })

  it('gives its own order, whole batches of it', async () => {
    const batches = await all(streamed())
    expect(batches.map((b) => b.epoch)).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    const first = batches.slice(0, 5).flatMap((b) => [...b.indices])
    expect(first.slice(0, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 100])
    expect(batches[5]?.indices[0]).toBe(100)
    expect(batches[1]?.images).toEqual(['0/4', '0/5', '0/6', '1/0'])
    expect(batches[1]?.captions).toEqual(['a 4', 'a 5', 'a 6', 'a 100'])
  })

  it('goes on from any cursor as if it had never stopped', async () => {
    const batches = essence(await all(streamed()))
    for (let cut = 1; cut < batches.length; cut++) {
      const start = batches[cut - 1]!.next
      expect(essence(await all(streamed({ start, ahead: 3 })))).toEqual(batches.slice(cut))
    }
  })

  it('is closed by whoever wants no more', async () => {
    opened.length = 0
    const batches = trainingBatches(streamed({ ahead: 4 }))
    await batches.next()
    await batches.return(undefined)
    expect(opened).not.toContain(2)
  })

  it('ends the run by what its reading throws, after the batches before that', async () => {
    const batches = trainingBatches(options({ source: stream({ fail: 1 }) }))
    expect((await batches.next()).value).toMatchObject({ images: ['0/0', '0/1', '0/2', '0/3'] })
    await expect(batches.next()).rejects.toMatchObject({ code: 'ERR_IO', message: 'shard 1 is gone.' })
  })
})

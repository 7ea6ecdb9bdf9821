import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ListedSource } from '../../lib/data/listed.js'
import { type TrainingBatch, trainingBatches } from '../../lib/data/loader.js'
import { type PositivesKind, positivesOf } from '../../lib/data/positives.js'
import { captionOf } from '../../lib/data/sampler.js'
import type { Sample } from '../../lib/data/source.js'
import { temporaryFolder } from '../train/pictures.js'

const folder = temporaryFolder()
const listed = (items: Sample[]) => new ListedSource({ path: 'list.json', format: 'list', protocol: 'any', items })
const manner = { seed: 3, workers: 2, clean: (caption: string) => caption }

async function groups(kind: PositivesKind, items: Sample[], o: Partial<typeof manner> = {}, epoch = 0) {
  return [...(await positivesOf(kind, listed(items), { ...manner, ...o })).groups(epoch)]
}

describe('positivesOf', () => {
  it('joins by ids, and by paths where there are none', async () => {
    const items = [
      { image: 'a.png', captions: ['a'], id: '7' },
      { image: 'b.png', captions: ['b'], id: '7' },
      { image: '7', captions: ['c'] },
      { image: 'c.png', captions: ['d'] },
      { image: 'c.png', captions: ['e'] },
    ]
    expect(await groups('id', items)).toEqual([0, 0, 1, 2, 2])
  })

  it('joins by the words of captions, as they are cleaned, whatever white space is around them', async () => {
    const items = ['a dog', ' a  dog\n', 'A dog', 'a cat'].map((caption, i) => ({
      image: `${i}.png`,
      captions: [caption],
    }))
    expect(await groups('caption', items)).toEqual([0, 0, 1, 2])
    expect(await groups('caption', items, { clean: (caption) => caption.toLowerCase() })).toEqual([0, 0, 0, 1])
  })

  it('takes the captions that an epoch draws', async () => {
    const captions = ['x', 'y', 'z']
    const items = Array.from({ length: 12 }, (_, i) => ({ image: `${i}.png`, captions }))
    const positives = await positivesOf('caption', listed(items), manner)
    for (const epoch of [0, 1, 0]) {
      const drawn = items.map((_, i) => captionOf(captions, manner.seed, epoch, i))
      const found = [...positives.groups(epoch)]
      for (const [i, caption] of drawn.entries())
        for (const [j, other] of drawn.entries()) expect(found[i] === found[j]).toBe(caption === other)
    }
    expect(positives.groups(0)).not.toEqual(positives.groups(1))
  })

  it('joins by the bytes of pictures, wherever they lie; one that is not there is alone', async () => {
    mkdirSync(join(folder, 'more'), { recursive: true })
    const files = { 'a.png': 'same', 'more/b.png': 'same', 'c.png': 'else', 'd.png': 'longer one' }
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes)
    writeFileSync(join(folder, 'archive'), 'xxsamexx')
    const entry = { path: join(folder, 'archive'), id: 'e', offset: 2, length: 4, encoding: 'raw' } as const
    const paths = [...Object.keys(files), 'a.png', 'none.png', 'other-none.png'].map((name) => join(folder, name))
    const images = [...paths, entry, Buffer.from('same'), Buffer.from('longer')]
    const items = images.map((image) => ({ image, captions: ['x'] }))
    //                                              a  b  c  d  a  none   entry buffers
    expect(await groups('picture', items)).toEqual([0, 0, 1, 2, 0, 3, 4, 0, 0, 5])
  })
})

describe('batches', () => {
  const items = Array.from({ length: 40 }, (_, i) => ({ image: `${i % 14}.png`, captions: [`caption ${i}`] }))
  const decode = async (_: unknown, index: number) => Uint8Array.from([index, 0, 0])
  async function batchesOf(start: { epoch: number; position: number }, broken: number[] = []) {
    const positives = await positivesOf('id', listed(items), manner)
    const batches: TrainingBatch[] = []
    const o = { source: listed(items), batchSize: 8, size: 1, seed: 3, epochs: 3, positives, decode, start }
    const failing = async (image: unknown, index: number) => {
      if (broken.includes(index)) throw Object.assign(new Error('no picture'), { code: 'ERR_IMAGE' })
      return decode(image, index)
    }
    for await (const batch of trainingBatches({ ...o, decode: failing })) batches.push(batch)
    return batches
  }
  const essence = (batches: TrainingBatch[]) => batches.map(({ indices, groups, next }) => [[...indices], groups, next])

  it('have each picture once, with the groups of their pairs, and go on from any place', async () => {
    const whole = await batchesOf({ epoch: 0, position: 0 })
    expect(whole).toHaveLength(15)
    for (const { indices, groups } of whole) {
      expect(new Set(groups).size).toBe(8)
      expect([...groups!]).toEqual([...indices].map((index) => index % 14))
    }
    for (const at of [0, 3, 7]) expect(essence(await batchesOf(whole[at]!.next))).toEqual(essence(whole.slice(at + 1)))
  })
})

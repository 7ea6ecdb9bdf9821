import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ListedSource } from '../../lib/data/listed.js'
import { openSource } from '../../lib/data/open.js'
import type { Sample } from '../../lib/data/source.js'
import { captionCounts, evalSet, joinedNote } from '../../lib/eval/eval-set.js'
import { evaluateRetrieval } from '../../lib/eval/retrieval.js'

const listed = (items: Sample[], o: object = {}) =>
  new ListedSource({ path: 'list.json', format: 'list', protocol: 'any', items, ...o })

describe('rows of one picture', () => {
  const rows = [
    { image: '/x/a.jpg', captions: ['one'] },
    { image: '/x/b.jpg', captions: ['two'] },
    { image: '/x/y/../a.jpg', captions: ['three', 'four'] },
    { image: '/x/b.jpg', captions: ['five'] },
  ]

  it('are one picture, by its resolved path, with the captions of all', async () => {
    const set = await evalSet(listed(rows))
    expect(set.images).toEqual(['/x/a.jpg', '/x/b.jpg'])
    expect(set.captions).toEqual(['one', 'two', 'three', 'four', 'five'])
    expect(set.imageOfCaption).toEqual(Int32Array.of(0, 1, 0, 0, 1))
    expect(captionCounts(set)).toEqual([3, 2])
    expect(joinedNote(set, 'list.json')).toMatch(
      /^2 entries of list\.json named a picture again .* 2 pictures are left/,
    )
  })

  it('are one by its id, too, even where a later row says so', async () => {
    const set = await evalSet(
      listed([
        { image: '/a.jpg', captions: ['one'], id: '7' },
        { image: '/b.jpg', captions: ['two'], id: '8' },
        { image: '/copy.jpg', captions: ['three'], id: '7' },
        { image: '/copy.jpg', captions: ['four'], id: '8' },
      ]),
    )
    expect(set.images).toEqual(['/a.jpg'])
    expect(set.imageOfCaption).toEqual(Int32Array.of(0, 0, 0, 0))
    expect(set.joined).toBe(3)
  })

  it('are one where captions have several pictures, and among those without captions', async () => {
    const entry = (offset: number) => ({
      path: '/t.tsv',
      id: `${offset}`,
      offset,
      length: 4,
      encoding: 'base64' as const,
    })
    const items = [entry(0), entry(9), entry(0)].map((image) => ({ image, captions: ['x'] }))
    const shared = [{ caption: 'x', items: [0, 1, 2] }]
    const set = await evalSet(listed(items, { shared, distractors: [entry(9), entry(30), entry(30)] }))
    expect(set.images).toEqual([entry(0), entry(9), entry(30)])
    expect(set.imageOfCaption).toEqual([[0, 1]])
    expect(set.joined).toBe(3)
  })

  it('stay apart where neither path nor id is the same', async () => {
    const set = await evalSet(
      listed([...rows.slice(0, 2), { image: Buffer.of(1), captions: ['x'] }, { image: Buffer.of(1), captions: ['y'] }]),
    )
    expect(set).toMatchObject({ joined: 0, imageOfCaption: Int32Array.of(0, 1, 2, 3) })
    expect(joinedNote(set, 'x')).toBeUndefined()
  })

  it('measure as a grouped list does: each picture with five rows is found by all of its captions', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'clipwright-join-'))
    const entries = Array.from({ length: 20 }, (_, i) => ({
      image: `${i % 4}.jpg`,
      caption: `picture ${i % 4}, row ${i}`,
    }))
    writeFileSync(join(folder, 'rows.json'), JSON.stringify(entries))
    const set = await evalSet(await openSource(join(folder, 'rows.json')))
    // A perfect model: picture and caption features are unit vectors of the picture.
    const features = (pictures: number[]) => ({
      shape: [pictures.length, 4],
      data: Float32Array.from(pictures.flatMap((p) => [0, 1, 2, 3].map((k) => (k === p ? 1 : 0)))),
    })
    const imageFeatures = features(set.images.map((image) => Number(/(\d)\.jpg$/.exec(image as string)![1])))
    const textFeatures = features(entries.map((_, i) => i % 4))
    const r = await evaluateRetrieval({ imageFeatures, textFeatures, imageOfCaption: set.imageOfCaption })
    expect([set.images.length, r.txt_r1, r.img_r1]).toEqual([4, 100, 100])
  })

  it('are trained on one by one', async () => {
    const source = listed(rows)
    const drawn = [...source.samples({ seed: 1, epoch: 0, from: 0 })]
    expect([source.size, drawn.map(({ index }) => index).sort()]).toEqual([4, [0, 1, 2, 3]])
  })
})

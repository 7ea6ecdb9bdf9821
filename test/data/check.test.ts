import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { checkDataset } from '../../lib/data/data-check.js'
import { dataSvg } from '../../lib/report/data-picture.js'
import { rejection } from '../checkpoint/weights.js'
import { picture } from './pictures.js'
import { shardFolder, writeShard } from './shards/shards.js'

const folder = mkdtempSync(join(tmpdir(), 'clipwright-check-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const shards = shardFolder()

describe('checkDataset', () => {
  it('finds what is unreadable, copied, repeated, cut, and in both sets', async () => {
    for (const i of [0, 1, 2, 3]) writeFileSync(at(`${i}.png`), await picture(i))
    writeFileSync(at('copy.png'), await picture(1))
    writeFileSync(at('broken.png'), (await picture(4)).subarray(0, 60))
    const long = 'word '.repeat(100)
    const list = [
      ['0.png', ['a dog', 'a cat']],
      ['1.png', ['a dog']],
      ['copy.png', ['a dog', long]],
      ['broken.png', ['gone']],
      ['missing.png', ['gone']],
    ].map(([image, caption]) => ({ image, caption }))
    writeFileSync(at('train.json'), JSON.stringify(list))
    const val = [
      { image: '1.png', caption: 'a cat' },
      { image: '2.png', caption: 'new' },
    ]
    writeFileSync(at('val.json'), JSON.stringify(val))
    const told: number[] = []
    const onProgress = (done: number, total: number) => void told.push(done, total)
    const report = await checkDataset({ data: at('train.json'), val: at('val.json'), onProgress, workers: 3 })
    expect(report).toMatchObject({
      format: 'list',
      samples: 5,
      captions: 7,
      unreadable: { count: 2, examples: [{ name: at('broken.png') }, { name: at('missing.png') }] },
      duplicates: { count: 1, examples: [{ name: at('copy.png'), first: at('1.png') }] },
      empty: 0,
      repeated: {
        count: 3,
        distinct: 4,
        most: [
          { caption: 'a dog', times: 3 },
          { caption: 'gone', times: 2 },
        ],
      },
      cut: { count: 1, examples: [long] },
      tokens: { contextLength: 77, longest: 102 },
      val: { samples: 2, duplicates: { count: 0 } },
      leaks: {
        pictures: { count: 1, examples: [{ train: at('1.png'), val: at('1.png') }] },
        captions: { count: 1, examples: ['a cat'] },
      },
    })
    expect(report.unreadable.examples[0]!.error).toBe(
      `could not decode ${at('broken.png')}: it is damaged or cut short.`,
    )
    expect(report.tokens.counts).toHaveLength(79)
    expect(report.tokens.counts.at(-1)).toBe(1)
    expect(report.tokens.counts[4]).toBe(4)
    expect(report.bytes).toBeGreaterThan(100)
    expect(told.slice(-2)).toEqual([7, 7])
  })

  it('counts entries of lists that are not as they should be, and goes on to the others', async () => {
    writeFileSync(at('whole.png'), await picture(0))
    const of = (caption: unknown, image: unknown = 'whole.png') => ({ image, filename: image, caption })
    const rows = [of(''), of('one'), of('two', 'gone.png'), of(undefined), of('three', ''), of([' '])]
    writeFileSync(at('em.json'), JSON.stringify(rows))
    writeFileSync(at('em.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'))
    writeFileSync(
      at('em.csv'),
      'image,caption\nwhole.png,\nwhole.png,one\ngone.png,two\nwhole.png\n,three\nwhole.png, ',
    )
    const sentences = ({ caption, ...row }: (typeof rows)[number]) => ({
      ...row,
      split: 'train',
      ...(caption !== undefined && { sentences: [caption].flat().map((raw) => ({ raw })) }),
    })
    writeFileSync(at('karpathy.json'), JSON.stringify({ images: rows.map(sentences) }))
    for (const [name, first] of [
      ['em.json', 'entry 1'],
      ['em.jsonl', 'line 1'],
      ['em.csv', 'line 2'],
      ['karpathy.json', 'images[0]'],
    ] as const) {
      const report = await checkDataset({ data: at(name) })
      expect(report, name).toMatchObject({ samples: 6, captions: 2, empty: 2, unreadable: { count: 5 } })
      expect(report.unreadable.examples[0]).toEqual({
        name: `${first} of ${at(name)}`,
        error: expect.stringMatching(/^a caption is empty|"raw"/),
      })
      expect(report.unreadable.examples[4]!.name).toBe(at('gone.png'))
    }
    const annotations = [of(''), of('one')].map((row) => ({ ...row, image_id: 1 }))
    const images = [{ id: 1, file_name: 'whole.png' }]
    writeFileSync(
      at('coco.json'),
      JSON.stringify({ images, annotations: [...annotations, { image_id: 2, caption: 'no' }] }),
    )
    expect(await checkDataset({ data: at('coco.json') })).toMatchObject({
      samples: 1,
      captions: 1,
      empty: 1,
      unreadable: { count: 2 },
    })
    writeFileSync(at('all.json'), JSON.stringify([of(''), of('')]))
    expect(await checkDataset({ data: at('all.json') })).toMatchObject({ samples: 2, captions: 0, empty: 2 })
  })

  it('reads any kind, and counts captions that are empty', async () => {
    const path = writeShard(join(shards, 'a.tar'), [
      { name: 'a.png', data: await picture(0) },
      { name: 'a.txt', data: 'one' },
      { name: 'b.png', data: await picture(0) },
      { name: 'b.txt', data: ' ' },
      { name: 'c.txt', data: 'alone' },
    ])
    expect(await checkDataset({ data: [path, at('val.json')] })).toMatchObject({
      format: 'mix',
      samples: 4,
      captions: 3,
      empty: 1,
      unreadable: { count: 1, examples: [{ error: expect.stringContaining('the caption is empty') }] },
      notes: [expect.stringContaining('1 samples of the shards are no pairs')],
    })
  })

  it.each([
    ['self-cn/VIT-B-32', 512],
    ['openai/VIT-B-32', 77],
    ['OFA-Sys/chinese-clip-vit-base-patch16', 52],
    ['ViT-tiny-test', 32],
  ])('takes the name %s as train does', async (model, contextLength) => {
    writeFileSync(at('named.png'), await picture(0))
    writeFileSync(at('named.json'), JSON.stringify([{ image: 'named.png', caption: 'one' }]))
    const { tokens } = await checkDataset({ data: at('named.json'), model })
    expect(tokens.contextLength).toBe(contextLength)
  })

  it('offers the nearest names for a model that is neither there nor a name', async () => {
    writeFileSync(at('named.json'), JSON.stringify([{ image: 'named.png', caption: 'one' }]))
    await expect(checkDataset({ data: at('named.json'), model: 'vit-b-32' })).rejects.toThrow(
      rejection('ERR_NOT_FOUND', /neither a folder nor a file.*did you mean ViT-B-32, /),
    )
  })

  it('is drawn with a bar for each length and a line for each finding', () => {
    const findings = [{ name: 'cannot be read', count: 1, of: 4 }]
    const svg = dataSvg({ title: 'a <b>', counts: [0, 2, 4, 1], contextLength: 2, findings })
    expect(svg).toContain('a &lt;b&gt;')
    expect(svg.match(/height="(\d+)" fill="#/g)?.slice(0, 4)).toEqual([
      'height="0" fill="#',
      'height="90" fill="#',
      'height="180" fill="#',
      'height="45" fill="#',
    ])
    expect(svg).toContain('1 of 4')
    expect(svg).toContain('width="60"')
  })
})

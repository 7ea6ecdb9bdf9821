import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { nameOf } from '../../../lib/image/source.js'
import { openList } from '../open-list.js'

const folder = mkdtempSync(join(tmpdir(), 'clipwright-ids-'))
afterAll(() => rmSync(folder, { recursive: true }))
const write = (name: string, text: string) => {
  mkdirSync(join(folder, name, '..'), { recursive: true })
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
/** Chinese-CLIP's texts and pictures; the lines are JSON as it is written here. */
const muge = (name: string, ids: string[], lines: string[]) => {
  write(`${name}/x_imgs.tsv`, ids.map((id, i) => `${id}\t${'ABCDEFGH'[i]}AAA\n`).join(''))
  return write(`${name}/x_texts.jsonl`, lines.join('\n'))
}

describe('ids are text with all their digits', () => {
  // The same number for a double.
  const [one, two] = ['1357913579135791357', '1357913579135791358']

  it.each([
    ['as bare numbers', one, two],
    ['as text', `"${one}"`, `"${two}"`],
  ])("in Chinese-CLIP's texts, %s", async (_, a, b) => {
    const path = muge('long', [one, two], [`{"text":"x","image_ids":[${a}]}`, `{"text":"y","image_ids":[${b}]}`])
    const { items, distractors } = await openList(path)
    expect(items.map(({ image, captions }) => [nameOf(image), captions])).toEqual([
      [`picture ${one} of ${join(folder, 'long/x_imgs.tsv')}`, ['x']],
      [`picture ${two} of ${join(folder, 'long/x_imgs.tsv')}`, ['y']],
    ])
    expect(distractors).toEqual([])
  })

  it('in what is not there', async () => {
    const path = muge('none', [one], [`{"text":"x","image_ids":[${two}]}`])
    await expect(openList(path)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringContaining(`there is no picture ${two} in`),
    })
  })

  it("in COCO's captions", async () => {
    const images = `[{"id":${one},"file_name":"a.jpg"},{"id":${two},"file_name":"b.jpg"}]`
    const annotations = `[{"image_id":${two},"caption":"y"},{"image_id":"${one}","caption":"x"}]`
    const { items } = await openList(write('coco.json', `{"images":${images},"annotations":${annotations}}`))
    expect(items.map(({ id, captions }) => [id, captions])).toEqual([
      [one, ['x']],
      [two, ['y']],
    ])
  })

  it.each(['list.json', 'list.jsonl'])('in %s', async (name) => {
    const rows = [one, two].map((id) => `{"image":"${id}.jpg","caption":"x","image_id":${id}}`)
    const text = name.endsWith('l') ? rows.join('\n') : `[${rows.join()}]`
    expect((await openList(write(name, text))).items.map(({ id }) => id)).toEqual([one, two])
  })
})

describe('leading zeros', () => {
  it('are ignored where an exact match is missing', async () => {
    for (const [stored, asked] of [
      ['0001', '1'],
      ['1', '"0001"'],
      ['000', '0'],
    ] as const) {
      const path = muge('zeros', [stored, '22'], [`{"text":"x","image_ids":[${asked}]}`])
      const { items, distractors } = await openList(path)
      expect([nameOf(items[0]!.image), distractors.length]).toEqual([
        `picture ${stored} of ${join(folder, 'zeros/x_imgs.tsv')}`,
        1,
      ])
    }
  })

  it('make one picture of what two texts call it by different names', async () => {
    const path = muge('both', ['0001'], ['{"text":"x","image_ids":[1]}', '{"text":"y","image_ids":["0001"]}'])
    expect((await openList(path)).items.map(({ captions }) => captions)).toEqual([['x', 'y']])
  })

  it('count where the exact id is there', async () => {
    const path = muge('exact', ['01', '1'], ['{"text":"x","image_ids":[1]}', '{"text":"y","image_ids":["01"]}'])
    expect((await openList(path)).items.map(({ id }) => id)).toEqual(['1', '01'])
  })

  it('are an error where they leave a choice', async () => {
    const path = muge('choice', ['01', '001'], ['{"text":"x","image_ids":[1]}'])
    await expect(openList(path)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(/^line 1 of .*: the id 1 may be 01 or 001; write it as it is there/),
    })
  })

  it('are letters like others in names', async () => {
    const path = muge('names', ['0a'], ['{"text":"x","image_ids":["a"]}'])
    await expect(openList(path)).rejects.toMatchObject({ message: expect.stringContaining('no picture a in') })
  })
})

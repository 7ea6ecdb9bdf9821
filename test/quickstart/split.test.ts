import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { pictureSize, prepareQuickstart } from '../../examples/quickstart/data.mjs'
import { listItems } from '../../examples/quickstart/items.mjs'
import { partsOf } from '../../examples/quickstart/parts.mjs'
import { chooseHeldOut } from '../../examples/quickstart/split.mjs'
import { readCaptionList } from '../../lib/data/caption-list.js'

type Side = { id: string; image: string; captions: string[]; pixels: string }[]
let train: Side
let val: Side
const heldOut: string[] = JSON.parse(readFileSync('examples/quickstart/held-out.json', 'utf8'))

async function readSide(list: string): Promise<Side> {
  const { items } = await readCaptionList(list)
  return Promise.all(
    items.map(async ({ image, captions }) => {
      const { data, info } = await sharp(image).raw().toBuffer({ resolveWithObject: true })
      expect([info.width, info.height, info.channels]).toEqual([pictureSize, pictureSize, 3])
      const id = image.match(/([^/]+)\.png$/)?.[1] ?? ''
      return { id, image, captions, pixels: createHash('sha256').update(data).digest('hex') }
    }),
  )
}

beforeAll(async () => {
  const lists = await prepareQuickstart()
  expect([lists.train, lists.val]).toEqual([join(lists.folder, 'train.json'), join(lists.folder, 'val.json')])
  train = await readSide(lists.train)
  val = await readSide(lists.val)
})

describe('the quickstart split', () => {
  it('holds out 300 to 500 pictures, exactly those of the checked-in list, and trains on all others', () => {
    expect(val.length).toBeGreaterThanOrEqual(300)
    expect(val.length).toBeLessThanOrEqual(500)
    expect(val.map(({ id }) => id)).toEqual(heldOut)
    expect(new Set(heldOut).size).toBe(heldOut.length)
    const all = listItems().map(({ id }) => id)
    expect([...train, ...val].map(({ id }) => id).sort()).toEqual(all.sort())
  })

  it('is what the fixed rule gives', () => {
    const pixels = new Map([...train, ...val].map((item) => [item.id, item.pixels]))
    expect(chooseHeldOut(listItems(), pixels)).toEqual(heldOut)
  })

  it('never trains on a held-out picture, not even under another name', () => {
    const trained = new Set(train.map(({ pixels }) => pixels))
    expect(val.filter(({ pixels }) => trained.has(pixels))).toEqual([])
  })

  it('never trains on a held-out caption', () => {
    const trained = new Set(train.flatMap(({ captions }) => captions.map((caption) => caption.toLowerCase())))
    const leaked = val.flatMap(({ captions }) => captions).filter((caption) => trained.has(caption.toLowerCase()))
    expect(leaked).toEqual([])
  })

  it('holds out combinations of parts that were all trained on', () => {
    const items = new Map(listItems().map((item) => [item.id, item]))
    const madeOf = (side: Side) => side.map(({ id }) => partsOf(items.get(id)!))
    const trained = madeOf(train).filter((made) => made !== undefined)
    const families = new Set(trained.map(({ family }) => family))
    const parts = new Set(trained.flatMap((made) => made.parts))
    for (const made of madeOf(val)) {
      expect(families).toContain(made?.family)
      for (const part of made?.parts ?? []) expect(parts).toContain(part)
    }
  })

  it('gives each picture captions of its own', () => {
    const owners = new Map<string, string>()
    for (const { id, captions } of [...train, ...val]) {
      expect(captions.length).toBeGreaterThanOrEqual(2)
      for (const caption of captions) {
        expect(owners.get(caption) ?? id).toBe(id)
        owners.set(caption, id)
      }
    }
  })

  it('shows the drawings on white', async () => {
    const { data } = await sharp(val[0]!.image).raw().toBuffer({ resolveWithObject: true })
    expect([...data.subarray(0, 3)]).toEqual([255, 255, 255])
    expect(data.some((value) => value < 200)).toBe(true)
  })
})

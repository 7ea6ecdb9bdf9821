import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { captionsIn } from '../../examples/quickstart/captions.mjs'
import { pictureSize, prepareQuickstart } from '../../examples/quickstart/data.mjs'
import { listItems } from '../../examples/quickstart/items.mjs'
import { languages } from '../../examples/quickstart/languages.mjs'
import { partsOf } from '../../examples/quickstart/parts.mjs'
import { chooseHeldOut } from '../../examples/quickstart/split.mjs'
import type { Sample } from '../../lib/data/source.js'
import { modelConfig } from '../../lib/models/registry.js'
import { BertTokenizer } from '../../lib/tokenizer/bert-tokenizer.js'
import { openList } from '../data/open-list.js'

type Side = { id: string; image: string; captions: readonly string[]; pixels: string }[]
type Named = readonly (Sample & { image: string })[]
let train: Side
let val: Side
const heldOut: string[] = JSON.parse(readFileSync('examples/quickstart/held-out.json', 'utf8'))

async function readSide(list: string): Promise<Side> {
  const { items } = await openList(list)
  return Promise.all(
    items.map(async ({ captions, ...item }) => {
      const image = item.image as string
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

  it('has no rude gesture, in any skin tone', () => {
    const shown = [...train, ...val]
    expect(shown.filter(({ id }) => id.includes('1f595'))).toEqual([])
    expect(shown.filter(({ captions }) => captions.some((caption) => /middle finger/i.test(caption)))).toEqual([])
    // The hand beside it in Unicode's order is there.
    expect(shown.filter(({ id }) => id.startsWith('1f596')).length).toBeGreaterThan(5)
  })

  it('is what the fixed rule gives', () => {
    const pixels = new Map([...train, ...val].map((item) => [item.id, item.pixels]))
    expect(chooseHeldOut(listItems(), pixels)).toEqual(heldOut)
  })

  it('never trains on a held-out picture, not even under another name', () => {
    const trained = new Set(train.map(({ pixels }) => pixels))
    expect(val.filter(({ pixels }) => trained.has(pixels))).toEqual([])
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

  it('shows the drawings on white', async () => {
    const { data } = await sharp(val[0]!.image).raw().toBuffer({ resolveWithObject: true })
    expect([...data.subarray(0, 3)]).toEqual([255, 255, 255])
    expect(data.some((value) => value < 200)).toBe(true)
  })
})

describe.each(['en', 'zh'] as const)('the captions in %s', (language) => {
  let trained: Named
  let heldOutToo: Named

  beforeAll(async () => {
    const lists = await prepareQuickstart(language)
    trained = (await openList(lists.train)).items as Named
    heldOutToo = (await openList(lists.val)).items as Named
  })

  it('are of the same pictures, split alike', () => {
    expect(trained.map(({ image }) => image)).toEqual(train.map(({ image }) => image))
    expect(heldOutToo.map(({ image }) => image)).toEqual(val.map(({ image }) => image))
  })

  it('are never trained on where they are held out', () => {
    const seen = new Set(trained.flatMap(({ captions }) => captions.map((caption) => caption.toLowerCase())))
    const leaked = heldOutToo.flatMap(({ captions }) => captions).filter((caption) => seen.has(caption.toLowerCase()))
    expect(leaked).toEqual([])
  })

  it('are, picture by picture, its own', () => {
    const owners = new Map<string, string>()
    for (const { image, captions } of [...trained, ...heldOutToo]) {
      expect(captions.length).toBeGreaterThanOrEqual(2)
      for (const caption of captions) {
        expect(owners.get(caption) ?? image).toBe(image)
        owners.set(caption, image)
      }
    }
  })

  it('begin with the name, by which held-out pictures are searched for', () => {
    const names = heldOutToo.map(({ captions }) => captions[0])
    for (const sentence of languages[language].sentences) expect(names).toContain(sentence)
  })
})

describe('the Chinese captions', () => {
  it('are Chinese, fit the model, and tell all pictures apart once they are tokens', async () => {
    const tokenizer = await BertTokenizer.load()
    const contextLength = modelConfig(languages.zh.model).text_cfg.context_length!
    const named = listItems('zh').map((item) => captionsIn.zh(item))
    const { truncated } = tokenizer.encodeBatch(named.flat(), { contextLength })
    expect(truncated).toBe(0)
    const names = named.map(([name]) => name!)
    expect(names.filter((name) => !/\p{Script=Han}/u.test(name))).toEqual(['OK', 'DVD', 'DNA'])
    const spelled = names.map((name) => tokenizer.encodeBatch([name], { contextLength }).data.join(' '))
    expect(new Set(spelled).size).toBe(names.length)
  })
})

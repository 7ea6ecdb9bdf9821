import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { expect, it } from 'vitest'
import { evalSet } from '../../../lib/eval/eval-set.js'
import type { FileEntry, ImageAddress } from '../../../lib/image/source.js'
import { fuzz, fuzzTimeout } from '../../fuzz/fuzz.js'
import { mutateBytes, mutateJson } from '../../fuzz/mutations.js'
import { openList } from '../open-list.js'

const fileOf = (image: ImageAddress) => (typeof image === 'string' ? image : (image as FileEntry).path)

const original = [
  { image: 'a.png', caption: 'one' },
  { image: 'folder/b.png', caption: ['two', 'three'] },
  { image: './c.png', caption: ['vier\u00e4 \u{1f600}'], extra: 1 },
]

it(
  'a damaged caption list is read or refused',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fuzz-'))
    try {
      const path = join(folder, 'list.json')
      await fuzz('caption list', { codes: ['ERR_FORMAT', 'ERR_DATA'] }, async (random) => {
        const text = JSON.stringify(random.below(2) ? mutateJson(original, random) : original, null, random.below(3))
        await writeFile(path, random.below(2) ? mutateBytes(Buffer.from(text), random) : text)
        const list = await openList(path)
        for (const { image, captions } of list.items) {
          expect(isAbsolute(image as string)).toBe(true)
          expect(captions.length).toBeGreaterThan(0)
          for (const caption of captions) expect(caption.trim()).not.toBe('')
        }
        const { captions, images, imageOfCaption, joined } = await evalSet(list)
        expect(imageOfCaption).toHaveLength(captions.length)
        expect(images).toHaveLength(list.items.length - joined)
        expect(Math.max(...(imageOfCaption as Int32Array))).toBe(images.length - 1)
      })
    } finally {
      await rm(folder, { recursive: true })
    }
  },
  fuzzTimeout,
)

const karpathy = {
  images: ['train', 'restval', 'test'].map((split, i) => ({
    filename: `${i}.jpg`,
    split,
    sentences: [{ raw: 'one' }, { raw: 'two', tokens: ['two'] }],
  })),
}
const texts = [
  { text_id: 1, text: '一只狗', image_ids: [11, 22] },
  { text_id: 2, text: '一只猫', image_ids: ['22'] },
]
const pictures = '11\tAAAA\n22\tBBBB\n'

it(
  "damaged Karpathy's JSON, and Chinese-CLIP's texts and pictures, are read or refused",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fuzz-'))
    try {
      const codes = ['ERR_FORMAT', 'ERR_DATA', 'ERR_NOT_FOUND'] as const
      await fuzz('other lists', { codes }, async (random) => {
        const damaged = (text: string) => (random.below(3) ? text : mutateBytes(Buffer.from(text), random))
        let path = join(folder, 'dataset.json')
        if (random.below(2))
          await writeFile(path, damaged(JSON.stringify(random.below(2) ? mutateJson(karpathy, random) : karpathy)))
        else {
          path = join(folder, 'x_texts.jsonl')
          const lines = texts.map((line) => JSON.stringify(random.below(3) ? line : mutateJson(line, random)))
          await writeFile(path, damaged(`${lines.join('\n')}\n`))
          await writeFile(join(folder, 'x_imgs.tsv'), damaged(pictures))
        }
        const list = await openList(path)
        const { images, captions, imageOfCaption } = await evalSet(list)
        expect(imageOfCaption).toHaveLength(captions.length)
        for (const image of images) expect(isAbsolute(fileOf(image))).toBe(true)
        for (const caption of captions) expect(caption.trim()).not.toBe('')
        for (const own of imageOfCaption) {
          for (const image of [own].flat()) expect(image >= 0 && image < images.length).toBe(true)
        }
      })
    } finally {
      await rm(folder, { recursive: true })
    }
  },
  fuzzTimeout,
)

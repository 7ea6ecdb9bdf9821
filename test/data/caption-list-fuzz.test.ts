import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { expect, it } from 'vitest'
import { readCaptionList } from '../../lib/data/caption-list.js'
import { evalSet } from '../../lib/data/eval-set.js'
import { fuzz, fuzzTimeout } from '../fuzz/fuzz.js'
import { mutateBytes, mutateJson } from '../fuzz/mutations.js'

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
        const list = await readCaptionList(path)
        for (const { image, captions } of list.items) {
          expect(isAbsolute(image)).toBe(true)
          expect(captions.length).toBeGreaterThan(0)
          for (const caption of captions) expect(caption.trim()).not.toBe('')
        }
        const { captions, imageOfCaption } = evalSet(list)
        expect(imageOfCaption).toHaveLength(captions.length)
        expect(Math.max(...(imageOfCaption as Int32Array))).toBe(list.items.length - 1)
      })
    } finally {
      await rm(folder, { recursive: true })
    }
  },
  fuzzTimeout,
)

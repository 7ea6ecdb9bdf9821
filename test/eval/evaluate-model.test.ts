import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { evaluateModel } from '../../lib/eval/evaluate-model.js'
import { evaluateRetrieval } from '../../lib/eval/retrieval.js'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { MODEL } from '../train/runs.js'

const folder = temporaryFolder()
const model = join(folder, 'model')
let data: string
beforeAll(async () => {
  await using clip = await Clip.create(MODEL, { threads: 1, seed: 3 })
  await clip.save(model)
  data = await captionList(folder, 'val', 6)
})

describe('evaluateModel', () => {
  test('measures a model alike by its path and loaded already, and leaves that one alone', async () => {
    const o = { bootstrap: { samples: 20 }, batchSize: 4 }
    const byPath = await evaluateModel(model, data, { ...o, load: { threads: 1 } })
    await using clip = await Clip.load(model, { threads: 1 })
    expect(await evaluateModel(clip, data, o)).toEqual(byPath)
    expect(byPath.protocol.interval).toEqual({ share: 0.95, over: 'pictures', samples: 20, seed: 0 })

    // Each picture has two captions.
    const imageFeatures = await clip.encodeImages(Array.from({ length: 6 }, (_, i) => join(folder, 'val', `${i}.png`)))
    const captions = (JSON.parse(await readFile(data, 'utf8')) as { caption: string[] }[]).flatMap((e) => e.caption)
    const imageOfCaption = Int32Array.from({ length: 12 }, (_, i) => i >> 1)
    const textFeatures = await clip.encodeTexts(captions)
    expect(byPath).toMatchObject(
      await evaluateRetrieval({ imageFeatures, textFeatures, imageOfCaption, bootstrap: { samples: 20 } }),
    )
  })

  test('knows what is wrong with the data before it loads the model', async () => {
    await expect(evaluateModel(join(folder, 'none'), join(folder, 'none.json'))).rejects.toThrow(/none\.json/)
  })

  test('says how many captions the context cuts, unless that is an error', async () => {
    const warned = async (prompt?: string) =>
      (await evaluateModel(model, data, { ...(prompt && { prompt }), load: { threads: 1 } })).warnings
    expect((await warned()).filter((text) => text.includes('lost their end'))).toEqual([])
    expect(await warned(`${'very '.repeat(100)}{}`)).toContainEqual(
      expect.stringMatching(/^12 of 12 texts are longer than the model's context of \d+ tokens and lost their end\.$/),
    )
  })

  test.each([
    [{ prompt: 'no place' }, /option "prompt": expected \{\}/],
    [{ protocol: 'coco' as 'any' }, /option "protocol"/],
    [{ promt: '{}' } as object, /did you mean "prompt"/],
    [{ load: { threads: 0 } }, /Clip\.load: option "threads"/],
  ])('refuses %j', async (options, message) => {
    await expect(evaluateModel(model, data, options)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
  })

  test('stops at an abort with its reason', async () => {
    const reason = new Error('enough')
    await expect(evaluateModel(model, data, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })
})

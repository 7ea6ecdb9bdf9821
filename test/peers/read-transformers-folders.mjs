// Loads what write_transformers_folders.py saved. Run: node test/peers/read-transformers-folders.mjs FOLDER
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Clip, readSafetensors } from 'clipwright'
import { close } from './close.mjs'

const folder = process.argv[2]

for (const [name, resize] of Object.entries({ squash: 'squash', crop: 'shortest' })) {
  test(`${name}: a folder of transformers has its tokens, features and way to fit pictures here`, async () => {
    const { tensors: expected } = await readSafetensors(join(folder, name, 'expected.safetensors'))
    const texts = JSON.parse(readFileSync(join(folder, name, 'texts.json'), 'utf8'))
    const clip = await Clip.load(join(folder, name, 'model'), { device: 'cpu' })
    assert.equal(clip.preprocess.resize_mode, resize)
    const tokens = clip.tokenizer.encodeBatch(texts, { contextLength: 24 })
    assert.deepEqual([...tokens.data], [...expected.tokens.data])
    close(await clip.encodeImages(expected.images), expected.image_features)
    close(await clip.encodeTexts(texts), expected.text_features)
    await clip.dispose()
  })
}

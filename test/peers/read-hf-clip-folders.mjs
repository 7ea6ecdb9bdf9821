// Loads what write_hf_clip_folders.py saved. Run: node test/peers/read-hf-clip-folders.mjs FOLDER
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Clip, convert, readSafetensors } from 'clipwright'
import { close } from './close.mjs'

const folder = process.argv[2]

/** Files that make each folder the case that it is named for. */
const CASES = {
  safetensors: 'model.safetensors',
  sharded: 'model.safetensors.index.json',
  bin: 'pytorch_model.bin',
}

for (const [name, file] of Object.entries(CASES)) {
  test(`${name}: a folder of CLIPModel has its features here, of texts and of ids, and converted, too`, async () => {
    const model = join(folder, name, 'model')
    assert.ok(readdirSync(model).includes(file), file)
    const { tensors: expected } = await readSafetensors(join(folder, name, 'expected.safetensors'))
    const texts = JSON.parse(readFileSync(join(folder, name, 'texts.json'), 'utf8'))
    await convert(model, join(folder, name, 'converted'))
    for (const path of [model, join(folder, name, 'converted')]) {
      const clip = await Clip.load(path, { device: 'cpu' })
      assert.equal(clip.preprocess.resize_mode, 'shortest')
      assert.equal(clip.preprocess.convert, 'before')
      close(await clip.encodeImages(expected.images), expected.image_features)
      close(await clip.encodeTexts(texts), expected.text_features)
      close(await clip.encodeTexts(expected.tokens), expected.text_features)
      await clip.dispose()
    }
  })
  test(`${name}: its towers in folders of their own are the same model`, async () => {
    const { tensors: expected } = await readSafetensors(join(folder, name, 'expected.safetensors'))
    const [images, text] = ['image_encoder', 'text_encoder'].map((tower) => join(folder, name, tower))
    const clip = await Clip.load(images, { text, device: 'cpu' })
    close(await clip.encodeImages(expected.images), expected.image_features)
    close(await clip.encodeTexts(expected.tokens), expected.text_features)
    await clip.dispose()
  })
}

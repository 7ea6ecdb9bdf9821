// transformers.js opens the folders that write-onnx-cases.mjs wrote, and computes the same: ids, features of both towers, and the
// probabilities of its pipeline. Run: NODE_PATH=… node test/peers/transformers-js-test.mjs FOLDER
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

// Of .cache/peers-node, which modules are not looked for in otherwise.
const transformers = createRequire(import.meta.url)('@huggingface/transformers')
const { AutoProcessor, AutoTokenizer, ChineseCLIPModel, env, load_image, pipeline } = transformers
const { CLIPTextModelWithProjection, CLIPVisionModelWithProjection } = transformers

const folder = resolve(process.argv[2])
env.allowRemoteModels = false
const TOLERANCE = { fp32: 1e-4, fp16: 2e-2, int8: 0.5 }
/** Of probabilities, which a temperature has sharpened. */
const UNSURE = { fp32: 1e-4, fp16: 2e-2, int8: 0.3 }

for (const dtype of ['fp32', 'fp16', 'int8']) {
  env.localModelPath = join(folder, dtype)
  for (const name of readdirSync(join(folder, dtype))) {
    const tolerance = TOLERANCE[dtype]
    const expected = JSON.parse(readFileSync(join(folder, 'expected', name, 'expected.json'), 'utf8'))
    const picture = join(folder, 'expected', name, 'picture.png')
    const tokenizer = await AutoTokenizer.from_pretrained(name)
    for (const [row, text] of expected.texts.entries()) {
      const { input_ids } = tokenizer([text], { truncation: true })
      assert.deepEqual(
        Array.from(input_ids.data, Number),
        expected.rows[row],
        `${name}: ids of ${JSON.stringify(text)}`,
      )
    }
    const towers = name.startsWith('causal')
      ? [
          await CLIPVisionModelWithProjection.from_pretrained(name),
          await CLIPTextModelWithProjection.from_pretrained(name),
        ]
      : await Promise.all(
          ['vision_model', 'text_model'].map((model_file_name) =>
            ChineseCLIPModel.from_pretrained(name, { model_file_name }),
          ),
        )
    const processor = await AutoProcessor.from_pretrained(name)
    const { image_embeds } = await towers[0](await processor(await load_image(picture)))
    const { text_embeds } = await towers[1](tokenizer(expected.texts, { padding: true, truncation: true }))
    close(image_embeds.data, expected.image, tolerance, `${name} ${dtype}: features of the picture`)
    close(text_embeds.data, expected.features, tolerance, `${name} ${dtype}: features of texts`)
    for (const tower of towers) await tower.dispose()

    // int8 is what browsers ask for, too, where nothing else is said.
    const asked = dtype === 'int8' ? { dtype: 'q8' } : {}
    const classify = await pipeline('zero-shot-image-classification', name, asked)
    const found = await classify(picture, expected.texts, { hypothesis_template: '{}' })
    const scores = expected.texts.map((text) => found.find(({ label }) => label === text).score)
    close(scores, expected.probabilities, UNSURE[dtype], `${name} ${dtype}: probabilities`)
    await classify.dispose()
  }
}

function close(values, wanted, tolerance, what) {
  assert.equal(values.length, wanted.length, what)
  const largest = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - values[i])), 0)
  assert.ok(largest < tolerance, `${what} differ by ${largest}`)
  console.log(`${what}: within ${largest.toExponential(1)}`)
}

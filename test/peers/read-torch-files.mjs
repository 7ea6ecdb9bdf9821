// Loads what write_torch_files.py saved. Run: node test/peers/read-torch-files.mjs FOLDER
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Clip, readSafetensors } from 'clipwright'
import { close } from './close.mjs'

const folder = process.argv[2]
const options = { model: JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')), device: 'cpu' }
const { tensors: state } = await readSafetensors(join(folder, 'state.safetensors'))
const { tensors: expected } = await readSafetensors(join(folder, 'expected.safetensors'))
/** What rounding to a type leaves, of the value. */
const relative = { 'f16.pt': 2 ** -11, 'bf16.pt': 2 ** -8 }

const names = readdirSync(folder).filter((name) => /\.(pt|pth|bin)$/.test(name) && name !== 'module.pt')
assert.equal(names.length, 12)

for (const name of names) {
  test(`${name} has open_clip's weights and features`, async () => {
    const clip = await Clip.load(join(folder, name), options)
    const tolerance = relative[name] ?? 0
    const parameters = clip.parameters()
    assert.equal(parameters.length, Object.keys(state).filter((key) => key !== 'attn_mask').length)
    for (const parameter of parameters) {
      const { data } = await parameter.read()
      const want = state[parameter.name].data
      assert.equal(data.length, want.length)
      const near = data.every((x, i) => Math.abs(x - want[i]) <= tolerance * Math.abs(want[i]) + tolerance * 1e-4)
      assert.ok(near, `${parameter.name} differs`)
    }
    if (tolerance === 0) {
      close(await clip.encodeImages(expected.images), expected.image_features)
      close(await clip.encodeTexts(expected.tokens), expected.text_features)
    }
    await clip.dispose()
  })
}

test('module.pt, a pickled object of open_clip, is refused with the name of its class', async () => {
  await assert.rejects(Clip.load(join(folder, 'module.pt'), options), {
    code: 'ERR_UNSAFE',
    message: /asks for the global "open_clip\.model\.CLIP"/,
  })
})

// Writes, for each optimizer that torch has, 20 steps of a small model: before each its weights, and the gradients it
// takes. The other half of the comparison is torch_optim_test.py. Run: node test/peers/write-optimizer-cases.mjs FOLDER
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Adam, AdamW, Clip, InfoNCE, Sgd, writeSafetensors } from 'clipwright'

const folder = process.argv[2]
const STEPS = 20
// Decay falls on all parameters, as torch has it.
const all = (weightDecay) => [{ match: /(?:)/, weightDecay }]
const adam = { lr: 1e-3, betas: [0.9, 0.98], eps: 1e-6, weight_decay: 0.1 }
const cases = [
  { optimizer: 'adamw', Class: AdamW, options: adam },
  { optimizer: 'adam', Class: Adam, options: adam },
  { optimizer: 'sgd', Class: Sgd, options: { lr: 1e-2, momentum: 0.9, weight_decay: 0.1 } },
]

for (const { optimizer: name, Class, options } of cases) {
  const clip = await Clip.create('ViT-tiny-test', { device: 'cpu', precision: 'fp32', seed: 7 })
  const { weight_decay: weightDecay, ...rest } = options
  const optimizer = new Class(clip, { ...rest, groups: all(weightDecay) })
  const size = clip.preprocess.size
  const texts = ['a cat', 'two dogs', 'a red square', 'nothing']
  mkdirSync(join(folder, name), { recursive: true })
  for (let step = 0; step < STEPS; step++) {
    const images = { shape: [texts.length, 3, size, size], data: wave(texts.length * 3 * size * size, step) }
    await clip.forwardBackward({ images, tokens: texts }, new InfoNCE())
    const tensors = {}
    // logit_scale is clamped after each step, which torch's optimizers do not do.
    for (const p of clip.parameters().filter((p) => p.name !== 'logit_scale')) {
      tensors[`value/${p.name}`] = await p.read()
      tensors[`grad/${p.name}`] = await p.readGrad()
    }
    await writeSafetensors(join(folder, name, `${step}.safetensors`), tensors)
    await optimizer.step()
  }
  await clip.dispose()
}
writeFileSync(
  join(folder, 'cases.json'),
  JSON.stringify(cases.map(({ optimizer, options }) => ({ optimizer, options, steps: STEPS }))),
)

/** Values that look like normalised pixels, other ones each step, the same on every machine. */
function wave(count, step) {
  return Float32Array.from({ length: count }, (_, i) => 1.5 * Math.sin(i * 0.37 + step + Math.sin(i * 0.011) * 9))
}

// AdamW over all parameters of a model: node bench/ours/optimizer.mjs MODEL PRECISION STEPS; prints one JSON line.
import { AdamW, Clip, InfoNCE } from '../../dist/index.js'

const [model, precision, steps] = process.argv.slice(2)
const clip = await Clip.create(model, { precision, device: 'cpu' })
const optimizer = new AdamW(clip, { lr: 1e-4 })
const size = clip.preprocess.size
const images = { shape: [2, size, size, 3], data: new Uint8Array(2 * size * size * 3).fill(100) }
const tokens = clip.tokenizer.encodeBatch(['a cat', 'a dog'], { contextLength: clip.config.text_cfg.context_length })
const times = []
for (let i = 0; i <= Number(steps); i++) {
  await clip.forwardBackward({ images, tokens }, new InfoNCE())
  const begin = performance.now()
  await optimizer.step({ maxGradNorm: 1e9 })
  if (i > 0) times.push(performance.now() - begin)
}
await clip.dispose()
console.log(JSON.stringify({ ms: Math.min(...times) }))

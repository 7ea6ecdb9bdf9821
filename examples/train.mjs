// Fine-tunes or trains a CLIP model on your own pictures. Run: node examples/train.mjs train.json val.json runs/mine [model]
// A caption list is JSON: [{ "image": "cat.jpg", "caption": ["a cat", "a sleeping cat"] }, …], paths relative to the list.
import { train } from 'clipwright'

const [data, val, out, model = 'ViT-B-32'] = process.argv.slice(2)
const run = train({
  data,
  val,
  out,
  model,
  epochs: 10,
  batchSize: 64,
  lr: 5e-4,
  warmup: 100,
  precision: 'bf16',
})
for await (const event of run) {
  if (event.type === 'step')
    console.log(`step ${event.step}  loss ${event.loss.toFixed(3)}  ${event.pairsPerSecond.toFixed(1)} pairs/s`)
  if (event.type === 'eval') console.log(`epoch ${event.epoch}  mean recall ${event.recall.r_mean.toFixed(1)} %`)
}
console.log((await run.result).out)

// One tower as an ONNX graph, in ONNX Runtime for Node.js.
// NODE_PATH=… node infer-onnxruntime.mjs FOLDER image|text BATCH TOKENS SECONDS; prints one JSON line.
import { createRequire } from 'node:module'
import { join } from 'node:path'

// Of .cache/peers-node, which modules are not looked for in otherwise.
const require = createRequire(import.meta.url)
const { InferenceSession, Tensor } = require('onnxruntime-node')
const [folder, tower, ...numbers] = process.argv.slice(2)
const [batch, tokens, seconds] = numbers.map(Number)
const graph = tower === 'image' ? 'vision_model.onnx' : 'text_model.onnx'
const session = await InferenceSession.create(join(folder, 'onnx', graph))

let state = 1
const draw = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return (state >>> 8) % n
}
function feeds() {
  if (tower === 'image') {
    const size = 224
    const pixels = Float32Array.from({ length: batch * 3 * size * size }, () => draw(256) / 128 - 1)
    return { pixel_values: new Tensor('float32', pixels, [batch, 3, size, size]) }
  }
  const id = (i) => (i % tokens === 0 ? 49406 : i % tokens === tokens - 1 ? 49407 : 1 + draw(49000))
  const ids = BigInt64Array.from({ length: batch * tokens }, (_, i) => BigInt(id(i)))
  return { input_ids: new Tensor('int64', ids, [batch, tokens]) }
}

const given = feeds()
await session.run(given)
const times = []
const end = performance.now() + 1000 * seconds
while (times.length < 3 || performance.now() < end) {
  const begin = performance.now()
  await session.run(given)
  times.push(performance.now() - begin)
}
const bestMs = Math.min(...times)
const medianMs = times.sort((a, b) => a - b)[times.length >> 1]
const { version } = require('onnxruntime-node/package.json')
const result = { perSecond: (1000 * batch) / bestMs, bestMs, medianMs, rssMiB: process.memoryUsage.rss() / 2 ** 20 }
console.log(JSON.stringify({ ...result, versions: { 'onnxruntime-node': version } }))

// How long evaluateRetrieval takes, the memory it needs beside the features, and how long the event loop waits meanwhile.
// node bench/retrieval.mjs [images] [captions] [embed_dim], after `npm run build`
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { evaluateRetrieval } from '../dist/index.js'

const [images = 100_000, captions = 500_000, dim = 512] = process.argv.slice(2).map(Number)
let state = 1
const features = (rows) => {
  const data = new Float32Array(rows * dim)
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    data[i] = state / 2 ** 31
  }
  return { shape: [rows, dim], data }
}
const imageFeatures = features(images)
const textFeatures = features(captions)
const imageOfCaption = Int32Array.from({ length: captions }, (_, j) => Math.floor((j * images) / captions))

const before = process.resourceUsage().maxRSS
const delay = monitorEventLoopDelay({ resolution: 1 })
const start = performance.now()
const result = evaluateRetrieval({ imageFeatures, textFeatures, imageOfCaption })
const called = performance.now()
delay.enable()
const { r_mean } = await result
const seconds = (performance.now() - start) / 1000
delay.disable()
const GIB = 2 ** 30
console.log(
  `${images} pictures x ${captions} captions x ${dim}: ${seconds.toFixed(1)} s ` +
    `(${((2 * images * captions * dim) / seconds / 1e9).toFixed(0)} GFLOP/s), ` +
    `features ${(((images + captions) * dim * 4) / GIB).toFixed(2)} GiB, ` +
    `${(((process.resourceUsage().maxRSS - before) * 1024) / GIB).toFixed(2)} GiB beside them, ` +
    `the call took ${(called - start).toFixed(0)} ms, then the event loop's p99 was ${(delay.percentile(99) / 1e6).toFixed(1)} ms; r_mean ${r_mean.toFixed(3)} %`,
)

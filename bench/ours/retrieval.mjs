// How long evaluateRetrieval takes, the memory it needs beside the features, and how long the event loop waits meanwhile.
// node bench/ours/retrieval.mjs [images] [captions] [embed_dim]; prints one JSON line.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { evaluateRetrieval } from '../../dist/index.js'

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
const extraMiB = (process.resourceUsage().maxRSS - before) / 1024
console.log(
  JSON.stringify({
    seconds,
    gflops: (2 * images * captions * dim) / seconds / 1e9,
    extraMiB,
    callMs: called - start,
    eventLoopP99Ms: delay.percentile(99) / 1e6,
    r_mean,
  }),
)

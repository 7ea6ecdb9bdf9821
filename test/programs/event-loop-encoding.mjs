// Encodes pictures, those of a list again and again, and prints by how many milliseconds the event loop was late meanwhile.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Clip } from 'clipwright'

const { model, images, count } = JSON.parse(process.argv[2])
const clip = await Clip.create(model, { device: 'cpu' })
await clip.encodeImages(images.slice(0, 8))

const BEAT_MS = 1
const beats = monitorEventLoopDelay({ resolution: BEAT_MS })
beats.enable()
const { shape } = await clip.encodeImages(Array.from({ length: count }, (_, i) => images[i % images.length]))
beats.disable()
await clip.dispose()
const lag = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - BEAT_MS)
const [p50, p99, max] = [beats.percentile(50), beats.percentile(99), beats.max].map(lag)
console.log(JSON.stringify({ p50, p99, max, beats: beats.count, encoded: shape[0] }))

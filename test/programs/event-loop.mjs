// Trains with the options given as JSON and prints by how many milliseconds the event loop was late meanwhile.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { train } from 'clipwright'

// What is recorded is the time from one beat of a timer to the next.
const BEAT_MS = 1
const beats = monitorEventLoopDelay({ resolution: BEAT_MS })
const run = train(JSON.parse(process.argv[2]))
const counts = {}
for await (const event of run) {
  if (event.type === 'start') beats.enable()
  counts[event.type] = (counts[event.type] ?? 0) + 1
}
beats.disable()
const lag = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - BEAT_MS)
const [p50, p99, max] = [beats.percentile(50), beats.percentile(99), beats.max].map(lag)
console.log(JSON.stringify({ p50, p99, max, beats: beats.count, counts }))

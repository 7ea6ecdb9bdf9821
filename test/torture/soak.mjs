// Trains for a long time (argument: options as JSON) and prints what the process holds at forty moments on the way, as JSON:
// memory in MiB after a collection, open descriptors, and handles of the event loop. For node --expose-gc.
import { readdirSync } from 'node:fs'
import { train } from 'clipwright'

const options = JSON.parse(process.argv[2])
const run = train(options)
const samples = []
let every = 0
for await (const event of run) {
  if (event.type === 'start') every = Math.floor(event.steps / 40)
  if (event.type !== 'step' || event.step % every !== 0) continue
  // Twice: what finalizers let go of is gone at the second.
  globalThis.gc()
  await new Promise((resolve) => setImmediate(resolve))
  globalThis.gc()
  const { rss, heapUsed, arrayBuffers, external } = process.memoryUsage()
  samples.push({
    step: event.step,
    rss: rss / 2 ** 20,
    heap: heapUsed / 2 ** 20,
    buffers: (arrayBuffers + external) / 2 ** 20,
    descriptors: readdirSync('/proc/self/fd').length,
    handles: process.getActiveResourcesInfo().length,
  })
}
const { steps } = await run.result
console.log(JSON.stringify({ steps, samples }))

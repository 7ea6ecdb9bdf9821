// A folder of weights read into a model, or written: node bench/ours/checkpoint.mjs load|save FOLDER; prints one JSON line.
import { rmSync } from 'node:fs'
import { Clip } from '../../dist/index.js'

const [way, folder] = process.argv.slice(2)
let begin = performance.now()
const clip = await Clip.load(folder, { device: 'cpu' })
let seconds = (performance.now() - begin) / 1000
if (way === 'save') {
  const to = `${folder}-written-${process.pid}`
  begin = performance.now()
  await clip.save(to)
  seconds = (performance.now() - begin) / 1000
  rmSync(to, { recursive: true })
}
await clip.dispose()
console.log(JSON.stringify({ seconds, peakRssMiB: process.resourceUsage().maxRSS / 1024 }))

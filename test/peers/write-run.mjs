// Trains for three epochs on small pictures, with a break, so that there is a run folder to read: the other half of the
// comparison is tensorboard_test.py. Run: node test/peers/write-run.mjs FOLDER
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { train } from 'clipwright'
import sharp from 'sharp'

const folder = process.argv[2]
mkdirSync(folder, { recursive: true })
const entries = []
for (let i = 0; i < 16; i++) {
  const background = { r: (i * 53) % 256, g: (i * 101) % 256, b: (i * 197) % 256 }
  await sharp({ create: { width: 32, height: 32, channels: 3, background } })
    .png()
    .toFile(join(folder, `${i}.png`))
  entries.push({ image: `${i}.png`, caption: `colour ${i}` })
}
const data = join(folder, 'list.json')
writeFileSync(data, JSON.stringify(entries))

const out = join(folder, 'run')
const lists = { data, val: data, out }
const run = train({ preset: 'reference', model: 'ViT-tiny-test', batchSize: 8, epochs: 3, evalEvery: 3, ...lists })
for await (const event of run) if (event.type === 'step' && event.step === 3) break
await run.stop()
await train({ resume: out }).result

// Encodes and trains in rounds and prints the resident size after each, in MiB. Every round brings other shapes.
import { AdamW, Clip, InfoNCE } from 'clipwright'

const { model, rounds, encodesPerRound, stepsPerRound, images } = JSON.parse(process.argv[2])
const WORDS = ['a', 'red', 'square', 'photo', 'of', 'seventeen', 'extraordinarily', 'dogs', 'and', 'blue', 'circles']
const caption = (i) => Array.from({ length: 1 + ((i * 7) % 13) }, (_, k) => WORDS[(i * i + k * 5) % 11]).join(' ')
const some = (i, count) => Array.from({ length: count }, (_, k) => i * 31 + k)

const clip = await Clip.create(model)
const optimizer = new AdamW(clip, { lr: 1e-4 })
const sizes = []
let call = 0
for (let round = 0; round < rounds; round++) {
  for (let i = 0; i < encodesPerRound; i++, call++) {
    const picks = some(call, 1 + (call % 5))
    if (call % 2 === 0) await clip.encodeTexts(picks.map(caption))
    else await clip.encodeImages(picks.map((k) => images[k % images.length]))
  }
  for (let i = 0; i < stepsPerRound; i++, call++) {
    const picks = some(call, 16)
    const batch = { images: picks.map((k) => images[k % images.length]), tokens: picks.map(caption) }
    await clip.forwardBackward(batch, new InfoNCE())
    await optimizer.step()
  }
  sizes.push(process.memoryUsage.rss() / 2 ** 20)
}
await clip.dispose()
console.log(JSON.stringify(sizes))

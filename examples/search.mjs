// Which of these pictures fits the words best? Run: node examples/search.mjs runs/mine/checkpoints/best "a dog" *.jpg
import { Clip } from 'clipwright'

const [model, query, ...paths] = process.argv.slice(2)
const clip = await Clip.load(model)
const images = await clip.encodeImages(paths)
const text = await clip.encodeTexts([query])
const d = clip.config.embed_dim
const score = (i) => images.data.subarray(i * d, (i + 1) * d).reduce((sum, x, k) => sum + x * text.data[k], 0)
console.log(paths.map((path, i) => ({ path, score: score(i) })).sort((a, b) => b.score - a.score))
await clip.dispose()

// Ranks features of the sizes given and prints the most memory above what the features take, in MiB, for each.
import { evaluateRetrieval } from 'clipwright'

const sizes = JSON.parse(process.argv[2])
const DIM = 2
const features = (rows) => ({
  shape: [rows, DIM],
  data: Float32Array.from({ length: rows * DIM }, (_, i) => ((i * 7919) % 1009) / 1009),
})
const extra = []
for (const [images, captions] of sizes) {
  const o = {
    imageFeatures: features(images),
    textFeatures: features(captions),
    imageOfCaption: Int32Array.from({ length: captions }, (_, j) => j % images),
  }
  const before = process.memoryUsage.rss()
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, 5)
  await evaluateRetrieval(o)
  clearInterval(watch)
  extra.push((most - before) / 2 ** 20)
}
console.log(JSON.stringify(extra))

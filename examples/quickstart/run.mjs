// The quickstart: trains a small CLIP model from scratch on named drawings, then looks for drawings it never saw.
// `en` (the default) or `zh` says in which language the drawings are named.
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  Clip,
  createProgress,
  evaluateRetrieval,
  examineMachine,
  missingFonts,
  resultsPicture,
  train,
} from 'clipwright'
import { credit, prepareQuickstart } from './data.mjs'
import { languages } from './languages.mjs'

const language = process.argv[2] ?? 'en'
if (!Object.hasOwn(languages, language)) {
  console.error(`The quickstart expects ${Object.keys(languages).join(' or ')} for a language, got "${language}".`)
  process.exit(1)
}
const { model, sentences } = languages[language]
const out = fileURLToPath(new URL(`../../${languages[language].out}`, import.meta.url))
const BATCH = 128
const EPOCHS = 8 // of 25 steps: 200 in all
const BEST = 8 // pictures shown for a sentence

console.log(`${credit}\n`)
const { train: data, val } = await prepareQuickstart(language)

const run = train({
  data,
  val,
  out,
  overwrite: true,
  model,
  epochs: EPOCHS,
  batchSize: BATCH,
  lr: 1e-3,
  warmup: 25,
  maxGradNorm: 1,
  precision: (await examineMachine()).cpu.fastBf16 ? 'bf16' : 'fp32',
  // Left and right matter to arrows and hands; crops may be a little tighter than photographs allow.
  augment: { scale: [0.7, 1], ratio: [0.9, 1.1], flip: 0 },
  evalEvery: 0,
})
const progress = await createProgress()
const began = Date.now()
try {
  for await (const event of run) progress.show(event)
} finally {
  progress.close()
}
const result = await run.result
const seconds = ((Date.now() - began) / 1000).toFixed(0)
console.log(`\ntrained ${result.steps} steps of ${BATCH} pairs in ${seconds} s`)

const clip = await Clip.load(join(out, 'checkpoints/last'))
const heldOut = await readHeldOut(val)
const imageFeatures = await clip.encodeImages(heldOut.images)
const textFeatures = await clip.encodeTexts(heldOut.captions)
const recall = await evaluateRetrieval({ imageFeatures, textFeatures, imageOfCaption: heldOut.imageOfCaption })
console.log(`\n${heldOut.images.length} held-out drawings, combinations that were never trained on:`)
console.log('                         R@1      R@5     R@10')
for (const [name, side] of [
  ['drawing to its name', 'txt'],
  ['name to its drawing', 'img'],
]) {
  const row = (table) => ['r1', 'r5', 'r10'].map((k) => `${table[`${side}_${k}`].toFixed(1).padStart(6)} %`).join(' ')
  console.log(`${name}   ${row(recall)}`)
  console.log(
    `            by chance ${row(recall.chance)}   R@5 is ${(recall[`${side}_r5`] / recall.chance[`${side}_r5`]).toFixed(1)} times that`,
  )
}

// Search all held-out drawings for each sentence; a hit is the drawing of that name.
const queries = await clip.encodeTexts(sentences)
const dim = clip.config.embed_dim
const score = (q, i) => {
  let sum = 0
  for (let k = 0; k < dim; k++) sum += queries.data[q * dim + k] * imageFeatures.data[i * dim + k]
  return sum
}
const nameOf = heldOut.images.map((_, i) => heldOut.captions[heldOut.imageOfCaption.indexOf(i)])
const found = sentences.map((query, q) => ({
  query,
  pictures: heldOut.images
    .map((image, i) => ({ image, score: score(q, i), hit: nameOf[i] === query, name: nameOf[i] }))
    .sort((a, b) => b.score - a.score)
    .slice(0, BEST),
}))
console.log('\nsearching them:')
for (const { query, pictures } of found)
  console.log(
    `  "${query}"\n${pictures
      .slice(0, 3)
      .map((p) => `    ${p.hit ? '✓' : ' '} ${p.score.toFixed(2).padStart(5)} ${p.name}`)
      .join('\n')}`,
  )
const missing = await missingFonts(sentences)
if (missing) console.error(`warning: ${missing}`)
const picture = await resultsPicture(found, {
  title: `What a model trained for ${seconds} seconds finds among drawings it never saw`,
  subtitle: `${heldOut.images.length} held-out drawings; framed in green: the one that was asked for. ${credit.split(',')[0]}, CC-BY 4.0`,
})
await writeFile(join(out, 'results.png'), picture)
await clip.dispose()
console.log(
  `\nsee ${relative(process.cwd(), join(out, 'results.png'))} and ${relative(process.cwd(), join(out, 'loss.png'))}`,
)

/** The list's pictures, all captions, and for each caption the picture that it belongs to. */
async function readHeldOut(list) {
  const entries = JSON.parse(await readFile(list, 'utf8')).map(({ image, caption }) => ({
    image: join(dirname(list), image),
    captions: [caption].flat(),
  }))
  return {
    images: entries.map(({ image }) => image),
    captions: entries.flatMap(({ captions }) => captions),
    imageOfCaption: Int32Array.from(entries.flatMap(({ captions }, i) => captions.map(() => i))),
  }
}

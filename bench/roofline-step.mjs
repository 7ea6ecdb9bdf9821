// The ops of one training step of a CLIP model in bf16, with what each must compute, move and launch: native/nn, native/model
// and native/ops/cuda walked through on paper. Numbers are of one op; `times` says how often it runs in a step. A test holds
// the launches against those of a step on the emulated card.
import { FLOAT, HALF, lossOps, pass, sum } from './roofline-ops.mjs'

/** @typedef {import('./roofline-ops.mjs').Op} Op */
/** @typedef {import('./roofline-ops.mjs').Card} Card */
/** @typedef {{ width: number, layers: number, heads: number, mlpWidth: number }} Tower */
/** @typedef {{ embedDim: number, vision: Tower & { imageSize: number, patchSize: number }, text: Tower & { vocabSize: number, contextLength: number } }} Model */

/** Models of the table. Those that lib/models has are held against it by a test; ViT-H-14 is open_clip's. */
export const models = {
  'ViT-B-32': {
    embedDim: 512,
    vision: { imageSize: 224, patchSize: 32, width: 768, layers: 12, heads: 12, mlpWidth: 3072 },
    text: { contextLength: 77, vocabSize: 49408, width: 512, layers: 12, heads: 8, mlpWidth: 2048 },
  },
  'ViT-B-16': {
    embedDim: 512,
    vision: { imageSize: 224, patchSize: 16, width: 768, layers: 12, heads: 12, mlpWidth: 3072 },
    text: { contextLength: 77, vocabSize: 49408, width: 512, layers: 12, heads: 8, mlpWidth: 2048 },
  },
  'ViT-L-14': {
    embedDim: 768,
    vision: { imageSize: 224, patchSize: 14, width: 1024, layers: 24, heads: 16, mlpWidth: 4096 },
    text: { contextLength: 77, vocabSize: 49408, width: 768, layers: 12, heads: 12, mlpWidth: 3072 },
  },
  'ViT-H-14': {
    embedDim: 1024,
    vision: { imageSize: 224, patchSize: 14, width: 1280, layers: 32, heads: 16, mlpWidth: 5120 },
    text: { contextLength: 77, vocabSize: 49408, width: 1024, layers: 24, heads: 16, mlpWidth: 4096 },
  },
}

const patchesOf = ({ vision }) => (vision.imageSize / vision.patchSize) ** 2

/** Parameters of a model, the logit scale among them. @param {Model} model */
export function parameterCount(model) {
  const { vision, text, embedDim } = model
  const blocks = ({ width: d, layers, mlpWidth: m }) => layers * (4 * d * d + 2 * d * m + 9 * d + m)
  return sum([
    vision.width * 3 * vision.patchSize ** 2 + vision.width * (patchesOf(model) + 2) + 4 * vision.width,
    blocks(vision) + vision.width * embedDim,
    text.width * (text.vocabSize + text.contextLength) + 2 * text.width,
    blocks(text) + text.width * embedDim,
    1,
  ])
}

/** y[t,o] = x[t,i]·w: `more` bytes for a residual or a larger type. */
const product = (name, times, t, i, o, more = 0) => ({
  ...pass(name, 'products', times, HALF * (t * i + i * o + t * o) + more),
  flops: 2 * t * i * o,
})
const forward = (times, t, i, o, more) => product('linear', times, t, i, o, more)
const inputGrad = (times, t, i, o, more) => product('linear_input_grad', times, t, o, i, more)
/** In f32. */
const weightGrad = (times, t, i, o) => product('linear_weight_grad', times, t, i, o, (FLOAT - HALF) * i * o)
/** The gradient of a bias that no other pass gives: a pass over dy [t,o], and the partial sums. */
const biasGrad = (times, t, o) => pass('linear_weight_grad', 'bias gradients', times, HALF * t * o, 2)
const norm = (times, rows, d) => pass('layer_norm', 'layer norms', times, HALF * 2 * rows * d + FLOAT * 2 * rows)
/** Reads x, dy and, where there is one, the residual's gradient; sums of columns, the bias's before it among them, on the way. */
const normGrad = (times, rows, d, residual = true) =>
  pass('layer_norm_grad', 'layer norms', times, HALF * (residual ? 4 : 3) * rows * d + FLOAT * 2 * rows, 2)
/** The pass over the MLP's hidden rows that follows or precedes a product; backward with the sums of its columns. */
const activation = (times, rows, m) => pass('linear', 'activations', times, HALF * 2 * rows * m)
const activationGrad = (times, rows, m) => pass('linear_input_grad', 'activations', times, HALF * 3 * rows * m, 2)

const upTo = (n, unit) => Math.ceil(n / unit) * unit

/**
 * Which kernels the gradient of attention takes over sequences of `keys` tokens (kernels/attention_grad*.cu): 'whole', one
 * with five products; 'keys', after a pass for delta; or 'both', a third one that makes the logits again for dq.
 */
export function attentionGradKernels(keys, queries, headSize, shared) {
  const width = headSize <= 32 ? 32 : 64
  const [k, q] = [keys > 256 ? 272 : upTo(keys, 32), upTo(queries, 16)]
  const edge = keys > 256 ? HALF * 2 * 16 * 288 : 0
  const bytes = 3 * FLOAT * q + HALF * (2 * (k + q) * width + 2 * k * 64) + edge
  if (headSize <= 64 && keys > 96 && keys <= 272 && bytes <= shared) return 'whole'
  return keys <= 16 * (headSize <= 64 ? 6 : 4) ? 'keys' : 'both'
}

/** n sequences of `keys` tokens, of which `queries` ask. */
function attention(times, n, keys, queries, { width, heads }, { shared }) {
  const rows = n * queries * width
  const read = 2 * n * keys * width
  const stats = FLOAT * n * queries * heads
  // Tiles are full: sequences end at multiples of 16.
  const flops = (products) => 2 * products * n * upTo(queries, 16) * upTo(keys, 16) * width
  const counted = 2 * n * queries * keys * width
  const kernels = attentionGradKernels(keys, queries, width / heads, shared)
  // Passes over rows of queries and of keys, and products in all.
  const [ofQueries, ofKeys, launches, products] = { whole: [4, 2, 1, 5], keys: [5, 2, 2, 5], both: [7, 3, 3, 7] }[
    kernels
  ]
  const op = (name, bytes, needed, made, more = 1) => ({
    ...pass(name, 'attention', times, bytes, more),
    flops: needed * counted,
    again: flops(made) - needed * counted,
  })
  return [
    op('attention', HALF * (2 * rows + read) + stats, 2, 2),
    op('attention_grad', HALF * (ofQueries * rows + ofKeys * read) + 3 * stats, 4, products, launches),
  ]
}

/** All blocks of a tower over n sequences of s tokens; the last one computes one row of each. */
function towerOps(tower, n, s, card) {
  const { width: d, mlpWidth: m, layers } = tower
  const full = layers - 1
  const t = n * s
  const row = HALF * n * d
  /** What follows the attention, on r rows a block. */
  const rest = (times, r) => [
    forward(times, r, d, d, HALF * r * d),
    norm(times, r, d),
    forward(times, r, d, m),
    activation(times, r, m),
    forward(times, r, m, d, HALF * r * d),
    inputGrad(times, r, m, d),
    activationGrad(times, r, m),
    weightGrad(times, r, m, d),
    weightGrad(times, r, d, m),
    inputGrad(times, r, d, m),
    normGrad(times, r, d),
    inputGrad(times, r, d, d),
    weightGrad(times, r, d, d),
  ]
  return [
    norm(layers, t, d),
    forward(full, t, d, 3 * d),
    ...attention(full, n, s, s, tower, card),
    ...rest(full, t),
    inputGrad(full, t, d, 3 * d),
    weightGrad(full, t, d, 3 * d),
    biasGrad(full, t, 3 * d),
    normGrad(full, t, d),
    // The last block.
    forward(1, t, d, 2 * d),
    pass('gather_rows', 'rest', 2, 2 * row),
    forward(1, n, d, d),
    ...attention(1, n, s, 1, tower, card),
    ...rest(1, n),
    biasGrad(1, n, d), // of its MLP
    inputGrad(1, t, d, 2 * d),
    weightGrad(1, t, d, 2 * d),
    biasGrad(1, t, 2 * d),
    inputGrad(1, n, d, d),
    weightGrad(1, n, d, d),
    biasGrad(1, n, d),
    normGrad(1, t, d, false),
    pass('scatter_add_rows', 'rest', 2, 3 * row),
    ...(full > 0 ? [biasGrad(1, t, d)] : []), // of the MLP before it, once the rows are added
  ]
}

/** From a tower's pooled rows to features and back. */
const head = (n, d, e) => [
  norm(1, n, d),
  forward(1, n, d, e, (FLOAT - HALF) * n * e),
  pass('cast', 'rest', 1, (FLOAT + HALF) * n * e),
  weightGrad(1, n, d, e),
  inputGrad(1, n, d, e),
  normGrad(1, n, d, false),
]

/** Sums of rows by keys below `count`: a sort by digits of 8 bits, two kernels each, and two more. */
const indexAddLaunches = (count) => 2 * Math.ceil(Math.floor(Math.log2(count) + 1) / 8) + 2

function visionOps(model, n, card) {
  const { imageSize, patchSize, width: d } = model.vision
  const patches = n * patchesOf(model)
  const t = patches + n
  const values = 3 * patchSize ** 2
  return [
    pass('patchify', 'rest', 1, n * 3 * imageSize ** 2 + HALF * patches * values),
    forward(1, patches, values, d),
    pass('vision_tokens', 'rest', 1, HALF * (patches + t) * d),
    norm(1, t, d),
    ...towerOps(model.vision, n, t / n, card),
    ...head(n, d, model.embedDim),
    normGrad(1, t, d, false),
    pass(
      'vision_tokens_grad',
      'rest',
      1,
      HALF * (patches + 2 * t) * d,
      2 + indexAddLaunches(1) + indexAddLaunches(patchesOf(model) + 1),
    ),
    weightGrad(1, patches, values, d),
  ]
}

function textOps(model, n, tokens, card) {
  const { width: d, vocabSize, contextLength } = model.text
  const t = n * tokens
  return [
    pass('embed', 'rest', 1, (FLOAT + HALF) * t * d),
    ...towerOps(model.text, n, tokens, card),
    ...head(n, d, model.embedDim),
    pass(
      'embed_grad',
      'rest',
      1,
      HALF * 2 * t * d + FLOAT * vocabSize * d,
      indexAddLaunches(vocabSize) + indexAddLaunches(contextLength),
    ),
  ]
}

/** AdamW over all parameters, with a compute copy in bf16. */
function optimizerOps(model) {
  const p = parameterCount(model)
  return [
    pass('grad_norm', 'optimizer', 1, FLOAT * p, 3),
    pass('optimizer_step', 'optimizer', 1, (FLOAT * 7 + HALF) * p, 2),
    pass('clamp', 'rest', 1, FLOAT * 2), // of the logit scale
    pass('cast', 'rest', 1, FLOAT * 2), // of it, to what a step reports
  ]
}

/**
 * All ops of a step of n pairs with captions of `tokens` tokens.
 * @param {Model} model
 * @param {Card} card
 * @returns {Op[]}
 */
export function stepOps(model, n, tokens, card) {
  return [
    ...visionOps(model, n, card),
    ...textOps(model, n, tokens, card),
    ...lossOps(n, model.embedDim, card),
    ...optimizerOps(model),
  ]
}

/** FLOPs of the towers in a step, as lib/models/flops.ts counts them. @param {Op[]} ops */
export function towerFlops(ops) {
  return sum(ops.filter(({ name }) => !name.startsWith('info_nce')).map(({ times, flops }) => times * flops))
}

/** Kernels that each op launches in a step. @param {Op[]} ops */
export function launchesByOp(ops) {
  const found = {}
  for (const { name, times, launches } of ops) if (times > 0) found[name] = (found[name] ?? 0) + times * launches
  return found
}

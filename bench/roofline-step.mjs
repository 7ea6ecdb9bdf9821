// The ops of one training step of a CLIP model in bf16, with what each must compute, move and launch: native/nn, native/model
// and native/loss walked through on paper. Numbers are of one op; `times` says how often it runs in a step.

/** @typedef {{ width: number, layers: number, heads: number, mlpWidth: number }} Tower */
/** @typedef {{ embedDim: number, vision: Tower & { imageSize: number, patchSize: number }, text: Tower & { vocabSize: number, contextLength: number } }} Model */
/**
 * One kind of op. `flops`: as lib/models/flops.ts counts them (2 a multiply-add, no norms, softmax, activations); `again`:
 * those that the backward pass repeats rather than remember; `bytes`: read and written if every operand crosses the
 * memory once; `launches`: kernels.
 * @typedef {{ name: string, times: number, rate: 'bf16' | 'f32', flops: number, again: number, bytes: number, launches: number }} Op
 */

const HALF = 2
const FLOAT = 4

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
const sum = (values) => values.reduce((a, b) => a + b, 0)

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

/** An op in bf16 that computes nothing that is counted. */
const pass = (name, times, bytes, launches = 1) => ({ name, times, rate: 'bf16', flops: 0, again: 0, bytes, launches })

/** y[t,o] = x[t,i]·w: `more` bytes for a residual or a larger type. */
const product = (name, times, t, i, o, more = 0) => ({
  ...pass(name, times, HALF * (t * i + i * o + t * o) + more),
  flops: 2 * t * i * o,
})
const forward = (times, t, i, o, more) => product('linear', times, t, i, o, more)
const inputGrad = (times, t, i, o, more) => product('linear_input_grad', times, t, o, i, more)
/** f32 gradients of weight and bias. */
const weightGrad = (times, t, i, o, bias = true) => ({
  ...product('linear_weight_grad', times, t, i, o, (FLOAT - HALF) * i * o + (bias ? HALF * t * o : 0)),
  launches: bias ? 3 : 1,
})
const norm = (times, rows, d) => pass('layer_norm', times, HALF * 2 * rows * d + FLOAT * 2 * rows)
/** Reads x, dy and, where there is one, the residual's gradient. */
const normGrad = (times, rows, d, residual = true) =>
  pass('layer_norm_grad', times, HALF * (residual ? 4 : 3) * rows * d + FLOAT * 2 * rows, 2)
/** The pass over the MLP's hidden rows that follows or precedes a product. */
const activation = (times, rows, m) => pass('linear', times, HALF * 2 * rows * m)
const activationGrad = (times, rows, m) => pass('linear_input_grad', times, HALF * 3 * rows * m)

/** n sequences of `keys` tokens, of which `queries` ask. */
function attention(times, n, keys, queries, { width, heads }) {
  const rows = n * queries * width
  const read = 2 * n * keys * width
  const logits = n * queries * keys * width
  const stats = FLOAT * n * queries * heads
  return [
    { ...pass('attention', times, HALF * (2 * rows + read) + stats), flops: 4 * logits },
    {
      ...pass('attention_grad', times, HALF * (4 * rows + 2 * read) + 3 * stats, 3),
      flops: 8 * logits,
      again: 2 * logits,
    },
  ]
}

/** All blocks of a tower over n sequences of s tokens; the last one computes one row of each. */
function towerOps(tower, n, s) {
  const { width: d, mlpWidth: m, layers } = tower
  const full = layers - 1
  const t = n * s
  const residual = HALF * n * d
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
    ...attention(full, n, s, s, tower),
    ...rest(full, t),
    inputGrad(full, t, d, 3 * d),
    weightGrad(full, t, d, 3 * d),
    normGrad(full, t, d),
    // The last block.
    forward(1, t, d, 2 * d),
    pass('rows', 2, 2 * residual),
    forward(1, n, d, d),
    ...attention(1, n, s, 1, tower),
    ...rest(1, n),
    inputGrad(1, t, d, 2 * d),
    weightGrad(1, t, d, 2 * d),
    inputGrad(1, n, d, d),
    weightGrad(1, n, d, d),
    normGrad(1, t, d, false),
    pass('rows', 2, 3 * residual),
  ]
}

/** From a tower's pooled rows to features and back. */
const head = (n, d, e) => [
  norm(1, n, d),
  forward(1, n, d, e, (FLOAT - HALF) * n * e),
  pass('elements', 1, (FLOAT + HALF) * n * e),
  weightGrad(1, n, d, e, false),
  inputGrad(1, n, d, e),
  normGrad(1, n, d, false),
]

function visionOps(model, n) {
  const { imageSize, patchSize, width: d } = model.vision
  const patches = n * patchesOf(model)
  const t = patches + n
  const values = 3 * patchSize ** 2
  return [
    pass('patchify', 1, n * 3 * imageSize ** 2 + HALF * patches * values),
    forward(1, patches, values, d),
    pass('vision_tokens', 1, HALF * (patches + t) * d),
    norm(1, t, d),
    ...towerOps(model.vision, n, t / n),
    ...head(n, d, model.embedDim),
    normGrad(1, t, d, false),
    pass('vision_tokens_grad', 1, HALF * (patches + 2 * t) * d, 7),
    weightGrad(1, patches, values, d, false),
  ]
}

function textOps(model, n, tokens) {
  const { width: d, vocabSize } = model.text
  const t = n * tokens
  return [
    pass('embed', 1, (FLOAT + HALF) * t * d),
    ...towerOps(model.text, n, tokens),
    ...head(n, d, model.embedDim),
    pass('embed_grad', 1, HALF * 2 * t * d + FLOAT * vocabSize * d, 12),
  ]
}

/** Rows and columns of a tile of the similarity matrix, as kernels/pair_tiles.h chooses them. */
export function lossTile(embedDim, multiprocessors) {
  const fits = (multiprocessors * 128) / Math.max(Math.ceil(embedDim / 128), 1)
  return Math.min(Math.max(Math.floor(fits / 256) * 256, 256), 4096)
}

/**
 * InfoNCE forward and backward over n pairs of features of `embedDim` values on a card of so many multiprocessors: what it
 * computes, with tiles of the matrix written and read once by each kernel that touches them.
 * @param {'bf16' | 'f32'} type of the features
 */
export function lossOps(n, embedDim, multiprocessors, type = 'f32') {
  const tiles = Math.ceil(n / lossTile(embedDim, multiprocessors)) ** 2
  const width = type === 'f32' ? FLOAT : HALF
  const features = n * embedDim
  const flops = 2 * n * features
  const op = { times: 1, rate: type, again: 0 }
  return [
    pass('l2_normalize', 2, FLOAT * 2 * features),
    { ...op, name: 'info_nce', flops, bytes: width * 2 * features + FLOAT * 2 * n * n, launches: 3 * tiles + 1 },
    // Gradients of pairs are written once, in the features' type, and read by two products.
    {
      ...op,
      name: 'info_nce_grad',
      flops: 2 * flops,
      again: flops,
      bytes: (width + FLOAT) * 2 * features + (FLOAT * 2 + width * 3) * n * n,
      launches: 4 * tiles + 1,
    },
    pass('l2_normalize_grad', 2, FLOAT * 3 * features),
  ]
}

/** AdamW over all parameters, with a compute copy in bf16. */
function optimizerOps(model) {
  const p = parameterCount(model)
  return [
    pass('grad_norm', 1, FLOAT * p, 3),
    pass('optimizer_step', 1, (FLOAT * 7 + HALF) * p, 2),
    pass('elements', 1, FLOAT * 2),
  ]
}

/**
 * All ops of a step of n pairs with captions of `tokens` tokens, each kind once.
 * @param {Model} model
 * @param {number} multiprocessors of the card: decides the loss's tiles
 * @returns {Op[]}
 */
export function stepOps(model, n, tokens, multiprocessors) {
  return [
    ...visionOps(model, n),
    ...textOps(model, n, tokens),
    ...lossOps(n, model.embedDim, multiprocessors),
    ...optimizerOps(model),
  ]
}

/** FLOPs of the towers in a step, as lib/models/flops.ts counts them. @param {Op[]} ops */
export function towerFlops(ops) {
  return sum(ops.filter(({ name }) => !name.startsWith('info_nce')).map(({ times, flops }) => times * flops))
}

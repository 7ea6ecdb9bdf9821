// What roofline-step.mjs is written with, and the ops of InfoNCE.

/**
 * One kind of op. `part`: of the step, for sums. `flops`: as lib/models/flops.ts counts them (2 a multiply-add, no norms,
 * softmax, activations); `again`: those beyond, repeated rather than remembered or of tiles that are not full; `bytes`: read and
 * written if every operand crosses the memory once for each pass; `launches`: kernels, a product counting as one.
 * @typedef {{ name: string, part: string, times: number, rate: 'bf16' | 'mma' | 'f32', flops: number, again: number,
 *   bytes: number, launches: number }} Op
 */
/** What decides which kernels run. `shared`: bytes that a block may have. @typedef {{ multiprocessors: number, shared: number }} Card */

export const HALF = 2
export const FLOAT = 4
export const sum = (values) => values.reduce((a, b) => a + b, 0)

/** An op in bf16 that computes nothing that is counted. @returns {Op} */
export const pass = (name, part, times, bytes, launches = 1) => ({
  name,
  part,
  times,
  rate: part === 'products' ? 'bf16' : 'mma',
  flops: 0,
  again: 0,
  bytes,
  launches,
})

/** Rows and columns of a tile of the similarity matrix, as kernels/pair_tiles.h chooses them. */
export function lossTile(embedDim, multiprocessors) {
  const fits = (multiprocessors * 128) / Math.max(Math.ceil(embedDim / 128), 1)
  return Math.min(Math.max(Math.floor(fits / 256) * 256, 256), 4096)
}

/** Rows that a block of the forward sweep keeps, or 0 where it does not fit: kernels/info_nce_sweep.cu. */
function sweepRows(slices, shared) {
  return [128, 64].find((rows) => HALF * (rows * slices * 64 + 8 * 4 * 32 * 32) <= shared) ?? 0
}

/** Spans of columns that blocks share, where rows alone are too few: kernels/info_nce_sweep_grad.cu. */
function gradSpans(n, multiprocessors) {
  const tiles = Math.ceil(n / 64)
  const steps = Math.ceil(tiles / Math.max(Math.floor(multiprocessors / tiles), 1))
  return Math.ceil(n / (64 * steps))
}
const gradSweeps = (slices, shared) =>
  slices * 64 <= 512 && HALF * (3 * 64 * slices * 64 + 64 * 64) + FLOAT * 256 * 16 <= shared

/** Pairs of a batch up to which the loss multiplies features in f32, whatever the precision: engine/gradients.cpp. */
const EXACT_PAIRS = 16384

/**
 * InfoNCE forward and backward over n pairs of features of `embedDim` values. In bf16 it sweeps over the pairs, where a card's
 * shared memory holds the features of some rows; else tiles of the matrix are written, and read once by each kernel that
 * touches them.
 * @param {Card} card
 * @param {'bf16' | 'f32'} type that features are multiplied in
 */
export function lossOps(n, embedDim, { multiprocessors, shared }, type = n > EXACT_PAIRS ? 'bf16' : 'f32') {
  const across = Math.ceil(n / lossTile(embedDim, multiprocessors))
  const tiles = across ** 2
  const slices = Math.ceil(embedDim / 64)
  const half = type === 'bf16'
  const width = half ? HALF : FLOAT
  const features = n * embedDim
  const flops = 2 * n * features
  const op = { ...pass('', 'InfoNCE', 1, 0), rate: type }
  const padded = embedDim % 64 === 0 ? 0 : 2
  const forward =
    half && sweepRows(slices, shared)
      ? { rate: 'mma', bytes: width * 2 * features, launches: 2 + padded }
      : { bytes: width * 2 * features + FLOAT * 2 * n * n, launches: 3 * tiles }
  const spans = gradSpans(n, multiprocessors)
  const parts = spans > 1 ? FLOAT * 2 * (spans + 1) * features : 0
  const backward =
    half && gradSweeps(slices, shared)
      ? {
          rate: 'mma',
          again: 2 * flops, // the logits, once for each side
          bytes: (width + FLOAT) * 2 * features + parts,
          launches: (spans > 1 ? 4 : 2) + 1 + padded,
        }
      : {
          again: flops,
          // Gradients of pairs are written once, in the features' type, and read by two products.
          // Of f32, pictures' rows are set aside, as their gradients take their place.
          bytes: (width + FLOAT) * 2 * features + (half ? 0 : FLOAT * 2 * features) + (FLOAT * 2 + width * 3) * n * n,
          launches: 4 * tiles + 1 + (half ? 0 : across),
        }
  return [
    pass('l2_normalize', 'InfoNCE', half ? 4 : 3, FLOAT * 2 * features),
    ...(half ? [pass('cast', 'InfoNCE', 2, (FLOAT + HALF) * features)] : []),
    { ...op, name: 'info_nce', flops, ...forward },
    pass('info_nce_loss', 'InfoNCE', 1, FLOAT * 3 * n),
    { ...op, name: 'info_nce_grad', flops: 2 * flops, ...backward },
    pass('l2_normalize_grad', 'InfoNCE', 2, FLOAT * 3 * features),
  ]
}

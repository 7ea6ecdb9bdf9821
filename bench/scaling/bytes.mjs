// What ranks send each other in a step of training: native/dist/collectives.cpp and native/loss walked through on paper. A test holds
// it against the bytes that the engine counts.

const WORD = 4
/** Words of all ranks up to which everything is sent to all: native/dist/collectives.h. */
const DIRECT = 4096
/** Words that are summed up at a time: native/dist/group.h, and neighbours.cpp for ranks of one machine. */
export const PIECES = { network: 4 * 2 ** 20, machine: 2 ** 17 }
/** Pairs of a batch up to which the loss multiplies features in f32, whatever the precision: engine/gradients.cpp. */
const EXACT_PAIRS = 16384

/** How many of `whole` are the part of a rank: native/dist/ranks.h. */
export function shareOf(whole, { rank, ranks }) {
  return Math.floor(whole / ranks) + (rank < whole % ranks ? 1 : 0)
}

/** Words that a rank sends so that all have the sums of `count` words. */
function summed(count, at) {
  if (count * at.ranks <= DIRECT) return count * (at.ranks - 1)
  let words = 0
  for (let from = 0; from < count; from += at.piece) {
    const piece = Math.min(at.piece, count - from)
    const own = shareOf(piece, at)
    words += piece - own + own * (at.ranks - 1)
  }
  return words
}

/**
 * Bytes that one rank sends in a step, by collective.
 * @param {{ ranks: number, rank?: number, batch: number, embedDim: number, gradientWords: number, precision: 'fp32' | 'bf16' | 'fp16', piece?: number }} step
 *   `batch`: pairs of all ranks; `gradientWords`: floats of all gradients, the gaps between them included
 */
export function bytesSent({ ranks, rank = 0, batch, embedDim, gradientWords, precision, piece = PIECES.network }) {
  const at = { rank, ranks, piece }
  const own = shareOf(batch, at)
  const feature = precision === 'fp32' || batch <= EXACT_PAIRS ? WORD : WORD / 2
  return {
    all_gather: own * embedDim * feature * (ranks - 1), // captions' features
    merge_lse: WORD * summed(batch, at), // of columns, what rows share
    reduce_scatter: WORD * (batch - own) * embedDim, // captions' gradients
    all_reduce: WORD * (summed(1, at) + summed(gradientWords, at)), // the loss and the parameters' gradients
    broadcast: 0,
  }
}

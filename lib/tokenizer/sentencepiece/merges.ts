/** Merges of a BPE model that only has scores: `generate_merges` of transformers' `convert_slow_tokenizer.py`. */

/**
 * Every way to put a piece together of two others, the pieces of highest score first.
 * @param pieces with their scores, in the order of their ids
 */
export function mergesOf(pieces: readonly (readonly [piece: string, score: number])[]): [string, string][] {
  const ids = new Map(pieces.map(([piece], id) => [piece, id]))
  const found: { parts: [string, string]; score: number; order: number; lengths: [number, number] }[] = []
  for (const [piece, score] of pieces) {
    const characters = Array.from(piece)
    const local: { left: string; right: string; at: number }[] = []
    let left = ''
    for (let at = 1; at < characters.length; at++) {
      left += characters[at - 1]!
      const right = piece.slice(left.length)
      if (ids.has(left) && ids.has(right)) local.push({ left, right, at })
    }
    local.sort((p, q) => ids.get(p.left)! - ids.get(q.left)! || ids.get(p.right)! - ids.get(q.right)!)
    for (const { left, right, at } of local) {
      const lengths: [number, number] = [at, characters.length - at]
      found.push({ parts: [left, right], score, order: found.length, lengths })
    }
  }
  // Stable and downwards, by score and then by the lengths of both parts.
  found.sort(
    (p, q) => q.score - p.score || q.lengths[0] - p.lengths[0] || q.lengths[1] - p.lengths[1] || p.order - q.order,
  )
  return found.map(({ parts }) => parts)
}

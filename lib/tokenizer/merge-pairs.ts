/** The merging of byte-pair encoders, in n·log n. */

const GONE = -1

/** More positions than a string has bytes; a rank times this stays an exact double. */
const POSITIONS = 2 ** 32

/**
 * Ids of one word, once all pairs that have a rank are merged: always the adjacent pair of lowest rank that waits, the
 * leftmost of equals. As Hugging Face's tokenizers does it (`models/bpe/word.rs`).
 * @param ids of the word's symbols; changed
 * @param made the id that a merge makes, by its rank
 */
export function mergePairs(
  ids: Int32Array,
  rankOf: (left: number, right: number) => number | undefined,
  made: (rank: number) => number,
): number[] {
  const n = ids.length
  const next = Int32Array.from(ids, (_, i) => i + 1)
  const previous = Int32Array.from(ids, (_, i) => i - 1)
  const queue = new MinQueue()
  const rankAt = (i: number) => rankOf(ids[i]!, ids[next[i]!]!)
  const offer = (i: number) => {
    if (i < 0 || next[i]! >= n) return
    const rank = rankAt(i)
    if (rank !== undefined) queue.push(rank * POSITIONS + i)
  }
  for (let i = 0; i < n; i++) offer(i)
  for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) {
    const i = entry % POSITIONS
    const id = made((entry - i) / POSITIONS)
    const swallowed = next[i]!
    // An earlier merge may have taken either half.
    if (ids[i] === GONE || swallowed >= n) continue
    const rank = rankAt(i)
    if (rank === undefined || made(rank) !== id) continue
    ids[i] = id
    ids[swallowed] = GONE
    next[i] = next[swallowed]!
    if (next[i]! < n) previous[next[i]!] = i
    offer(previous[i]!)
    offer(i)
  }
  const tokens: number[] = []
  for (let i = 0; i < n; i = next[i]!) tokens.push(ids[i]!)
  return tokens
}

/** A binary heap of numbers. */
class MinQueue {
  readonly #heap: number[] = []

  push(value: number): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(value)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]! <= value) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = value
  }

  pop(): number | undefined {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return top
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++
      if (heap[child]! >= last) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return top
  }
}

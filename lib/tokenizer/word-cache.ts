/** Ids of words that came up before: captions repeat their words. */

/** Distinct words that are remembered; a data set's captions have fewer. */
const WORDS = 1 << 16
/** Longer ones are not worth the memory. */
const WORD_LENGTH = 64

export class WordCache {
  readonly #words = new Map<string, readonly number[]>()

  get(word: string): readonly number[] | undefined {
    return this.#words.get(word)
  }

  set(word: string, ids: readonly number[]): void {
    if (word.length > WORD_LENGTH) return
    // Starting over is rarer and cheaper than keeping track of which words were used last.
    if (this.#words.size >= WORDS) this.#words.clear()
    this.#words.set(word, ids)
  }
}

/** What every tokenizer can do, whatever its vocabulary. */
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { parseOptions, show } from '../base/options.js'
import type { Tokens } from '../base/types.js'

/** Rows of one length, with what is needed to tell text from padding and cut captions from whole ones. */
export type TokenBatch = Tokens & {
  /** Ids in each row before the padding, start and end included. [n] */
  lengths: Int32Array
  /** How many captions were longer than the context and lost their end. */
  truncated: number
}

/** Text to ids and back. */
export interface Tokenizer {
  /** The id that fills rows after the text. */
  readonly padId: number
  /** Ids are 0 .. vocabSize-1. */
  readonly vocabSize: number
  /** Ids of the text alone, without start and end, of any length. */
  encode(text: string): number[]
  /** Rows [n, contextLength] of start, text, end, padding; an over-long text is cut and keeps its end. */
  encodeBatch(texts: readonly string[], o: { contextLength: number }): TokenBatch
  /** Text of these ids; start, end and padding are ids like others and show up as text. */
  decode(ids: ArrayLike<number>): string
}

const BatchOptions = z.strictObject({
  /** At least start and end. */
  contextLength: z.int().min(2),
})

/** @throws ClipwrightError ERR_INVALID_ARGUMENT when what `encode` was given is no text */
export function checkText(text: unknown): void {
  if (typeof text === 'string') return
  throw new ClipwrightError('ERR_INVALID_ARGUMENT', `encode expects a string, got ${show(text)}.`)
}

/**
 * What each id stands for, one behind the other.
 * @param symbolOf undefined for an id that the vocabulary has not
 * @throws ClipwrightError ERR_INVALID_ARGUMENT when what `decode` was given is no list, or names an id that is not there
 */
export function* symbolsOf(
  ids: ArrayLike<number>,
  vocabSize: number,
  symbolOf: (id: number) => string | undefined,
): Generator<string> {
  if (!Array.isArray(ids) && !ArrayBuffer.isView(ids)) {
    throw new ClipwrightError('ERR_INVALID_ARGUMENT', `decode expects a list of ids, got ${show(ids)}.`)
  }
  for (let i = 0; i < ids.length; i++) {
    const symbol = symbolOf(ids[i]!)
    if (symbol === undefined) {
      throw new ClipwrightError(
        'ERR_INVALID_ARGUMENT',
        `decode expects ids from 0 to ${vocabSize - 1}, got ${show(ids[i])} at index ${i}.`,
      )
    }
    yield symbol
  }
}

/** How a tokenizer frames a row. */
export type Framing = { startId: number; endId: number; padId: number }

/**
 * Lays captions out as rows of equal length.
 *
 * @param encode ids of one text, without start and end
 * @throws ClipwrightError ERR_INVALID_ARGUMENT when `texts` is not a list of strings or `contextLength` is below 2
 */
export function layOutBatch(
  texts: readonly string[],
  options: { contextLength: number },
  { startId, endId, padId }: Framing,
  encode: (text: string) => number[],
): TokenBatch {
  if (!Array.isArray(texts)) {
    throw new ClipwrightError('ERR_INVALID_ARGUMENT', `encodeBatch expects a list of strings, got ${show(texts)}.`)
  }
  const { contextLength } = parseOptions(BatchOptions, options, 'encodeBatch')
  const data = new Int32Array(texts.length * contextLength) // [n, contextLength]
  if (padId !== 0) data.fill(padId)
  const lengths = new Int32Array(texts.length)
  let truncated = 0
  for (let row = 0; row < texts.length; row++) {
    const text: unknown = texts[row]
    if (typeof text !== 'string') {
      throw new ClipwrightError(
        'ERR_INVALID_ARGUMENT',
        `encodeBatch expects strings, got ${show(text)} at index ${row}.`,
      )
    }
    const ids = encode(text)
    const kept = Math.min(ids.length, contextLength - 2)
    if (kept < ids.length) truncated++
    let at = row * contextLength
    data[at++] = startId
    for (let i = 0; i < kept; i++) data[at++] = ids[i]!
    data[at] = endId
    lengths[row] = kept + 2
  }
  return { shape: [texts.length, contextLength], data, lengths, truncated }
}

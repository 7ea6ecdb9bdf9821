/** What every tokenizer can do, whatever its vocabulary. */
import { z } from 'zod'
import { ClipwrightError, invalid } from '../base/errors.js'
import { parseOptions, show } from '../base/options.js'
import type { Tokens } from '../base/types.js'

/** Rows of one length, with what is needed to tell text from padding and cut captions from whole ones. */
export type TokenBatch = Tokens & {
  /** Ids in each row before the padding, start and end included. [n] */
  lengths: Int32Array
  /** How many captions were longer than the context and lost their end. */
  truncated: number
}

/** Ids that stand before and behind those of each row's text. */
export type Framing = { start: readonly number[]; end: readonly number[] }

/** Text to ids and back. */
export interface Tokenizer {
  /** The id that fills rows after the text. */
  readonly padId: number
  /** Ids are 0 .. vocabSize-1. */
  readonly vocabSize: number
  /** @internal */
  readonly framing: Framing
  /** Ids of the text alone, without start and end, of any length. */
  encode(text: string): number[]
  /** Rows [n, contextLength] of start, text, end, padding; an over-long text is cut and keeps its end. */
  encodeBatch(texts: readonly string[], o: { contextLength: number }): TokenBatch
  /**
   * The same ids without padding, one caption behind the other.
   * @internal
   */
  encodePacked(texts: readonly string[], o: { contextLength: number }): PackedTexts
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

/** Captions one behind the other, each with its start and end: what the core computes on. */
export class PackedTexts {
  /** Of all captions. */
  readonly ids: Int32Array
  /** Where each begins, and where the last ends. [n + 1] */
  readonly offsets: Int32Array
  /** How many captions were longer than the context and lost their end. */
  readonly truncated: number

  constructor(ids: Int32Array, offsets: Int32Array, truncated: number) {
    this.ids = ids
    this.offsets = offsets
    this.truncated = truncated
  }

  get count(): number {
    return this.offsets.length - 1
  }
}

/** Ids of most captions, start and end included. */
const USUAL_LENGTH = 24

/** Private constructors are open to JavaScript. @throws ClipwrightError ERR_INVALID_ARGUMENT */
export function requireMade(part: unknown, kind: abstract new (...args: never[]) => unknown, name: string): void {
  if (!(part instanceof kind)) throw invalid(`A ${name} is made by ${name}.load`)
}

/**
 * Lays captions out one behind the other.
 * @param encode ids of one text, without start and end
 * @throws ClipwrightError ERR_INVALID_ARGUMENT when `texts` is not a list of strings or `contextLength` has no room for what frames them
 */
export function packBatch(
  texts: readonly string[],
  options: { contextLength: number },
  { start, end }: Framing,
  encode: (text: string) => readonly number[],
): PackedTexts {
  if (!Array.isArray(texts)) {
    throw new ClipwrightError('ERR_INVALID_ARGUMENT', `encodeBatch expects a list of strings, got ${show(texts)}.`)
  }
  const { contextLength } = parseOptions(BatchOptions, options, 'encodeBatch')
  const room = contextLength - start.length - end.length
  if (room < 0) {
    throw invalid(
      `encodeBatch: contextLength ${contextLength} has no room for the ${start.length + end.length} ids around each text`,
    )
  }
  const offsets = new Int32Array(texts.length + 1)
  let packed = new Int32Array(texts.length * Math.min(contextLength, USUAL_LENGTH))
  let truncated = 0
  let at = 0
  for (let row = 0; row < texts.length; row++) {
    const text: unknown = texts[row]
    if (typeof text !== 'string') {
      throw new ClipwrightError(
        'ERR_INVALID_ARGUMENT',
        `encodeBatch expects strings, got ${show(text)} at index ${row}.`,
      )
    }
    const ids = encode(text)
    const kept = Math.min(ids.length, room)
    if (kept < ids.length) truncated++
    const needed = at + kept + contextLength - room
    if (needed > packed.length) packed = grown(packed, needed)
    for (const id of start) packed[at++] = id
    for (let i = 0; i < kept; i++) packed[at++] = ids[i]!
    for (const id of end) packed[at++] = id
    offsets[row + 1] = at
  }
  return new PackedTexts(packed.subarray(0, at), offsets, truncated)
}

/** Room for at least this many, and for as many again: values are moved a few times at most. */
function grown(values: Int32Array, needed: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * needed)
  larger.set(values)
  return larger
}

/** The same captions as rows of equal length, [n, contextLength]. */
export function padRows(
  { ids, offsets, truncated, count }: PackedTexts,
  contextLength: number,
  padId: number,
): TokenBatch {
  const data = new Int32Array(count * contextLength)
  if (padId !== 0) data.fill(padId)
  const lengths = new Int32Array(count)
  for (let row = 0; row < count; row++) {
    const caption = ids.subarray(offsets[row], offsets[row + 1])
    data.set(caption, row * contextLength)
    lengths[row] = caption.length
  }
  return { shape: [count, contextLength], data, lengths, truncated }
}

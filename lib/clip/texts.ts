/** Captions as the core wants them: packed, without the padding that changes nothing. */
import { requireArray, requireShape } from '../base/arrays.js'
import { isArray } from '../base/brands.js'
import { ClipwrightError, invalid } from '../base/errors.js'
import { show } from '../base/options.js'
import type { Tokens } from '../base/types.js'
import { seesPadding } from '../models/sees-padding.js'
import type { NativeTokens } from '../native/batch.js'
import type { NativeModel } from '../native/model.js'
import { PackedTexts, type Tokenizer } from '../tokenizer/tokenizer.js'
import { encodeWithin, type Truncation } from '../tokenizer/truncation.js'

type TextTower = NativeModel['text']

/** Captions, checked, that can be had a batch at a time. */
export type TextSource = { count: number; read(from: number, to: number): NativeTokens }

/**
 * @param truncation of texts that are longer than the context
 * @param fullContext keeps all `contextLength` rows of every caption, for measuring what packing saves
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_MISMATCH when the tokenizer has ids that the model has not
 */
export function textSource(
  texts: readonly string[] | Tokens | PackedTexts,
  tokenizer: Tokenizer,
  tower: TextTower,
  fullContext: boolean,
  where: string,
  truncation: Truncation = 'cut',
): TextSource {
  if (!Array.isArray(texts)) {
    const isPacked = texts instanceof PackedTexts
    const packed = isPacked
      ? packTexts(texts, tower, fullContext, where, tokenizer.padId)
      : packTokens(texts as Tokens, tower, fullContext, where, tokenizer.padId)
    return { count: packed.pool.length, read: (from, to) => sliceTokens(packed, from, to) }
  }
  const strings: readonly string[] = [...texts]
  const odd = strings.findIndex((text) => typeof text !== 'string')
  if (odd >= 0) throw invalid(`${where}: expected strings, got ${show(strings[odd])} at index ${odd}`)
  if (strings.length > 0 && tokenizer.vocabSize > tower.vocabSize) {
    throw new ClipwrightError(
      'ERR_MISMATCH',
      `${where}: the tokenizer has ${tokenizer.vocabSize} ids but the model's vocabulary ${tower.vocabSize}; pass Tokens made for this model.`,
    )
  }
  const read = (from: number, to: number) => {
    const o = { contextLength: tower.contextLength, truncation }
    const packed = encodeWithin(tokenizer, strings.slice(from, to), o, { where, code: 'ERR_INVALID_ARGUMENT' })
    return packTexts(packed, tower, fullContext, where, tokenizer.padId)
  }
  return { count: strings.length, read }
}

/**
 * Drops what cannot influence the features. CLIP's tower pools one row (`text_global_pool` in open_clip's
 * `src/open_clip/transformer.py`), mostly that of the first largest id, EOT; with its causal mask no position sees a later
 * one, so a caption ends there, and without it is padded to the whole context. A BERT-like tower masks padding, so a
 * caption ends with its last id that is none. `lengths`, if given, say where the rows' padding begins.
 * @param tokens [n, length] with length ≤ contextLength
 * @throws ClipwrightError ERR_INVALID_ARGUMENT; ERR_UNSUPPORTED for `fullContext` where padding would be seen
 */
export function packTokens(
  tokens: Tokens,
  tower: TextTower,
  fullContext: boolean,
  where: string,
  padId: number,
): NativeTokens {
  const { shape, data, lengths } = Object(tokens) as Partial<Tokens>
  if (!isArray(data, 'Int32Array')) {
    throw invalid(`${where}: expected a list of strings or Tokens with an Int32Array as data, got ${show(tokens)}`)
  }
  const [n, width] = requireShape(shape, [null, null], `${where}.shape`, '[n, length]') as [number, number]
  if (width < 1 || width > tower.contextLength) {
    throw invalid(`${where}: expected rows of 1 to ${tower.contextLength} ids (context_length), got ${width}`)
  }
  const ids = requireArray(data, 'Int32Array', n * width, `${where}.data`)
  const ends = lengths === undefined ? undefined : requireArray(lengths, 'Int32Array', n, `${where}.lengths`)
  const rowOf = (row: number) => {
    const end = ends ? ends[row]! : width
    if (end < 1 || end > width) throw invalid(`${where}.lengths: expected 1 to ${width}, got ${end} at index ${row}`)
    const caption = ids.subarray(row * width, row * width + end)
    requireIds(caption, row, tower.vocabSize, where)
    if (!tower.bert || ends) return caption
    return caption.subarray(0, lengthBeforePadding(caption, tower.bert.padId, row, where))
  }
  return packRows(rowOf, n, n * width, tower, { fullContext, where, padId })
}

/** `packTokens` of what a tokenizer has packed: the same ids, without padding in between. */
function packTexts(
  { ids, offsets, count }: PackedTexts,
  tower: TextTower,
  fullContext: boolean,
  where: string,
  padId: number,
): NativeTokens {
  const rowOf = (row: number) => {
    const caption = ids.subarray(offsets[row], offsets[row + 1])
    requireIds(caption, row, tower.vocabSize, where)
    return caption
  }
  return packRows(rowOf, count, ids.length, tower, { fullContext, where, padId })
}

/**
 * @param total ids of all rows at most
 * @param padId fills rows whose padding the tower sees
 */
function packRows(
  rowOf: (row: number) => Int32Array,
  n: number,
  total: number,
  tower: TextTower,
  { fullContext, where, padId }: { fullContext: boolean; where: string; padId: number },
): NativeTokens {
  if (fullContext && tower.bert) {
    const message = `${where}: fullContext is for causal towers; this one would see the padding that its masks hide.`
    throw new ClipwrightError('ERR_UNSUPPORTED', message)
  }
  const whole = fullContext || seesPadding(tower)
  const packed = new Int32Array(whole ? n * tower.contextLength : total)
  if (whole && padId !== 0) packed.fill(padId)
  const offsets = new Int32Array(n + 1)
  const pool = new Int32Array(n)
  let at = 0
  for (let row = 0; row < n; row++) {
    const caption = rowOf(row)
    const pooled = pooledRow(caption, tower)
    const kept = tower.bert || whole ? caption : caption.subarray(0, pooled + 1)
    packed.set(kept, at)
    pool[row] = at + pooled
    at += whole ? tower.contextLength : kept.length
    offsets[row + 1] = at
  }
  return { ids: packed.subarray(0, at), offsets, pool }
}

function pooledRow(caption: Int32Array, { causal, contextLength }: TextTower): number {
  switch (causal?.pool) {
    case 'last':
      return contextLength - 1
    case 'argmax':
      return firstLargest(caption)
    case 'eos':
      // Where there is none, the first row, as open_clip's argmax has it.
      return Math.max(caption.indexOf(causal.eosId), 0)
    default:
      return 0
  }
}

function requireIds(caption: Int32Array, row: number, vocabSize: number, where: string): void {
  for (let i = 0; i < caption.length; i++) {
    const id = caption[i]!
    if (id < 0 || id >= vocabSize) {
      throw invalid(`${where}: expected ids from 0 to ${vocabSize - 1}, got ${id} at row ${row}, position ${i}`)
    }
  }
}

/** The first largest id's row. */
function firstLargest(caption: Int32Array): number {
  let best = 0
  for (let i = 1; i < caption.length; i++) if (caption[i]! > caption[best]!) best = i
  return best
}

function lengthBeforePadding(caption: Int32Array, padId: number, row: number, where: string): number {
  const length = caption.findLastIndex((id) => id !== padId) + 1
  if (length === 0) throw invalid(`${where}: row ${row} is nothing but padding (id ${padId})`)
  const inside = caption.subarray(0, length).indexOf(padId)
  if (inside < 0) return length
  throw invalid(
    `${where}: row ${row} has padding (id ${padId}) at position ${inside}, before its end; pass lengths if it is text`,
  )
}

function sliceTokens({ ids, offsets, pool }: NativeTokens, from: number, to: number): NativeTokens {
  const begin = offsets[from]!
  return {
    ids: ids.subarray(begin, offsets[to]),
    offsets: offsets.slice(from, to + 1).map((offset) => offset - begin),
    pool: pool.slice(from, to).map((row) => row - begin),
  }
}

/** SentencePiece's `.model` (`sentencepiece_model.proto` of google/sentencepiece): pieces, how they are found and texts prepared. */
import { isUtf8 } from 'node:buffer'
import { ClipwrightError } from '../../base/errors.js'
import { LARGEST_ID } from '../json/model.js'
import { type Field, fieldsOf, WireError } from './wire.js'

/** Of a piece, by SentencePiece's numbers. */
export const PIECE_TYPES = ['', 'normal', 'unknown', 'control', 'userDefined', 'unused', 'byte'] as const
export type PieceType = Exclude<(typeof PIECE_TYPES)[number], ''>
export type Piece = { text: string; score: number; type: PieceType }

const MODEL_TYPES = ['', 'unigram', 'bpe', 'word', 'char'] as const

export type SentencePieceModel = {
  /** In the order of their ids. */
  pieces: Piece[]
  type: Exclude<(typeof MODEL_TYPES)[number], ''>
  /** Ids; -1 for none. */
  unkId: number
  bosId: number
  eosId: number
  padId: number
  byteFallback: boolean
  /** Marks of white space stand behind words rather than before them. */
  spaceAsSuffix: boolean
  /** Empty where characters stay as they are. */
  charsmap: Uint8Array
  addDummyPrefix: boolean
  removeExtraSpaces: boolean
  escapeSpaces: boolean
}

/** @throws ClipwrightError ERR_FORMAT for a file that is none */
export function parseSentencePiece(bytes: Uint8Array, where: string): SentencePieceModel {
  try {
    return readModel(bytes)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    throw new ClipwrightError('ERR_FORMAT', `${where} is not a model of SentencePiece: ${error.message}.`)
  }
}

function readModel(bytes: Uint8Array): SentencePieceModel {
  const pieces: Piece[] = []
  const trainer = new Map<number, Field['value']>()
  const normalizer = new Map<number, Field['value']>()
  for (const { number, value } of fieldsOf(bytes)) {
    if (number === 1) pieces.push(readPiece(message(value), pieces.length))
    else if (number === 2) for (const field of fieldsOf(message(value))) trainer.set(field.number, field.value)
    else if (number === 3) for (const field of fieldsOf(message(value))) normalizer.set(field.number, field.value)
  }
  if (pieces.length === 0) throw new WireError('it has no pieces')
  if (pieces.length > LARGEST_ID) throw new WireError(`it has ${pieces.length} pieces`)
  const flag = (fields: typeof trainer, number: number, usual: boolean) => numberOf(fields, number, Number(usual)) !== 0
  const unknown = pieces.findIndex(({ type }) => type === 'unknown')
  return {
    pieces,
    type: nameOf(MODEL_TYPES, numberOf(trainer, 3, 1), 'kind of model'),
    // The piece says it, too, and decides.
    unkId: unknown < 0 ? numberOf(trainer, 40, 0) : unknown,
    bosId: numberOf(trainer, 41, 1),
    eosId: numberOf(trainer, 42, 2),
    padId: numberOf(trainer, 43, -1),
    byteFallback: flag(trainer, 35, false),
    spaceAsSuffix: flag(trainer, 24, false),
    charsmap: normalizer.has(2) ? message(normalizer.get(2)!) : new Uint8Array(),
    addDummyPrefix: flag(normalizer, 3, true),
    removeExtraSpaces: flag(normalizer, 4, true),
    escapeSpaces: flag(normalizer, 5, true),
  }
}

function readPiece(bytes: Uint8Array, id: number): Piece {
  const fields = new Map(Array.from(fieldsOf(bytes), ({ number, value }) => [number, value]))
  const text = message(fields.get(1) ?? new Uint8Array())
  if (text.length === 0 || !isUtf8(text)) throw new WireError(`the piece ${id} is no text`)
  const score = numberOf(fields, 2, 0)
  if (!Number.isFinite(score)) throw new WireError(`the piece ${id} has the score ${score}`)
  const type = nameOf(PIECE_TYPES, numberOf(fields, 3, 1), `type of the piece ${id}`)
  return { text: Buffer.from(text).toString('utf8'), score, type }
}

function message(value: Field['value']): Uint8Array {
  if (typeof value === 'number') throw new WireError('it has a number where a message should be')
  return value
}

function numberOf(fields: ReadonlyMap<number, Field['value']>, number: number, usual: number): number {
  const value = fields.get(number) ?? usual
  if (typeof value !== 'number') throw new WireError(`the field ${number} is no number`)
  return value
}

function nameOf<T extends string>(names: readonly T[], index: number, what: string): Exclude<T, ''> {
  const name = names[index]
  if (name) return name as Exclude<T, ''>
  throw new WireError(`the ${what} is ${index}, which is not known`)
}

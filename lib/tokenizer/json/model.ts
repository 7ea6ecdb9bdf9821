/** From parts of a text to ids: the `model` of a tokenizer.json. */
import { ClipwrightError } from '../../base/errors.js'
import { shorten } from '../../base/shorten.js'
import { damaged, type Place } from './component.js'

export type Model = {
  /** Ids of one part, which is not empty. */
  encode(text: string): readonly number[]
  idOf(token: string): number | undefined
  /** All tokens with their ids; an id may come twice or not at all. */
  tokens: Iterable<readonly [token: string, id: number]>
}

/** Ids beyond are no vocabulary's: arrays are as long as the largest. */
export const LARGEST_ID = 2 ** 24

/** The `vocab` of all models but Unigram. @throws ClipwrightError ERR_FORMAT */
export function idsOfVocabulary(value: unknown, place: Place): Map<string, number> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw damaged(place, 'vocab: expected an id for each token')
  }
  const ids = new Map<string, number>()
  // By hand, because zod would take longer over a quarter of a million tokens than everything else.
  for (const [token, id] of Object.entries(value) as [string, unknown][]) ids.set(token, idFrom(id, token, place))
  return ids
}

/** @throws ClipwrightError ERR_FORMAT */
export function idFrom(id: unknown, token: string, place: Place): number {
  if (Number.isInteger(id) && (id as number) >= 0 && (id as number) < LARGEST_ID) return id as number
  throw damaged(place, `the token ${JSON.stringify(shorten(token))} has the id ${JSON.stringify(id)}`)
}

/** What a text is refused with that holds characters for which there is no id, and none that stands for all such. */
export function unspeakable(text: string): ClipwrightError {
  const message = `${JSON.stringify(shorten(text))} has characters that the tokenizer has no ids for, and it has no token for unknown ones.`
  return new ClipwrightError('ERR_INVALID_ARGUMENT', message)
}

/** Names of the tokens that stand for single bytes. */
export const byteToken = (byte: number) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`

/** Ids of a text's bytes, where all have one. */
export function byteIds(text: string, idOf: (token: string) => number | undefined): number[] | undefined {
  const ids = Array.from(Buffer.from(text), (byte) => idOf(byteToken(byte)))
  return ids.includes(undefined) ? undefined : (ids as number[])
}

/** Captions as files beside pictures have them: plain text, or JSON with a key for it. */
import { isUtf8 } from 'node:buffer'
import { ClipwrightError } from '../base/errors.js'
import { some } from '../base/shorten.js'
import { parseExactJson } from '../files/exact-json.js'
import { kindOf } from './checks.js'

/** Kinds of files that are text as they are; the first that is there counts. */
export const TEXT_EXTENSIONS = ['txt', 'caption', 'text'] as const
export const JSON_EXTENSION = 'json'
/** Keys of JSON, likewise: img2dataset writes `caption`. */
const CAPTION_KEYS = ['caption', 'title', 'text']

/** As a cause: there is a caption, and nothing in it. */
export class EmptyCaption extends Error {}

/** The cause of a refusal of what stands where a caption should, where that is it. */
export function emptyCaption(value: unknown): EmptyCaption | undefined {
  const isEmpty = [value].flat().some((one) => typeof one === 'string' && one.trim() === '')
  return isEmpty ? new EmptyCaption() : undefined
}

/**
 * @param where names the caption in messages
 * @throws ClipwrightError ERR_FORMAT when there is none in it
 */
export function captionsIn(bytes: Buffer, extension: string, where: string, captionKey: string | undefined): string[] {
  const fail = (what: string, cause?: Error): never => {
    throw new ClipwrightError('ERR_FORMAT', `${where}: ${what}`, { cause })
  }
  const empty = () => fail('the caption is empty', new EmptyCaption())
  if (!isUtf8(bytes)) fail('expected a caption in UTF-8, got another encoding')
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '')
  if (extension !== JSON_EXTENSION) return [text.trim() === '' ? empty() : text.trim()]
  const json = parseExactJson(text, where)
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return fail(`expected an object with a caption, got ${kindOf(json)}`)
  const values = json as Record<string, unknown>
  const key = captionKey ?? CAPTION_KEYS.find((name) => Object.hasOwn(values, name))
  if (key === undefined || !Object.hasOwn(values, key)) {
    const keys = some(Object.keys(values).map((name) => `"${name}"`)) || 'none'
    return fail(`expected a caption in "${key ?? CAPTION_KEYS[0]}", got the keys ${keys}`)
  }
  const captions = typeof values[key] === 'string' ? [values[key]] : values[key]
  if (!Array.isArray(captions) || captions.length === 0 || captions.some((c) => typeof c !== 'string'))
    return fail(`expected a string or a list of strings in "${key}", got ${kindOf(values[key])}`)
  if (captions.some((c) => c.trim() === '')) return empty()
  return captions as string[]
}

/** A tokenizer's files inside one of weights: compressed, because a vocabulary of megabytes would fill its header. */
import { gunzipSync, gzipSync } from 'node:zlib'
import { ClipwrightError } from '../../base/errors.js'
import { FILE_NAMES, type TokenizerFiles } from './files.js'

/** More than any tokenizer has. */
const LARGEST = 2 ** 28

/** By their names, as base64 of gzip. */
export function packFiles(files: TokenizerFiles): Record<string, string> {
  const packed: Record<string, string> = {}
  for (const [key, name] of Object.entries(FILE_NAMES)) {
    const file = files[key as keyof TokenizerFiles]
    if (file) packed[name] = gzipSync(file.text).toString('base64')
  }
  return packed
}

/** @throws ClipwrightError ERR_FORMAT */
export function unpackFiles(packed: Readonly<Record<string, string>>, where: string): TokenizerFiles {
  const files: Partial<TokenizerFiles> = {}
  for (const [key, name] of Object.entries(FILE_NAMES)) {
    const held = Object.hasOwn(packed, name) ? packed[name] : undefined
    if (held === undefined) continue
    try {
      const text = gunzipSync(Buffer.from(held, 'base64'), { maxOutputLength: LARGEST }).toString('utf8')
      files[key as keyof TokenizerFiles] = { text, where: `${name} in ${where}` }
    } catch (cause) {
      const message = `${where}: "files.${name}" is damaged (${(cause as Error).message}).`
      throw new ClipwrightError('ERR_FORMAT', message, { cause })
    }
  }
  if (files.tokenizer) return files as TokenizerFiles
  throw new ClipwrightError('ERR_FORMAT', `${where}: "files" has no ${FILE_NAMES.tokenizer}.`)
}

/** Files of tokenizers of transformers, and how those that were made of such files are written again. */
import { FILE_NAMES } from '../../../tokenizer/json/files.js'
import { JsonTokenizer } from '../../../tokenizer/json/json-tokenizer.js'
import type { Tokenizer } from '../../../tokenizer/tokenizer.js'
import type { FileWriter } from './files.js'

export const TOKENIZER_NAME = FILE_NAMES.tokenizer
export const TOKENIZER_CONFIG_NAME = FILE_NAMES.config
export const SPECIAL_TOKENS_NAME = FILE_NAMES.specials

/** All that may lie beside weights. */
export const TOKENIZER_FILES: readonly string[] = Object.values(FILE_NAMES)

/** Which of them `writeTokenizerFiles` writes. */
export function tokenizerFilesOf(tokenizer: Tokenizer): readonly string[] {
  return tokenizer instanceof JsonTokenizer ? TOKENIZER_FILES : []
}

/** As they were read. @returns whether the tokenizer was made of such files */
export async function writeTokenizerFiles(tokenizer: Tokenizer, write: FileWriter): Promise<boolean> {
  if (!(tokenizer instanceof JsonTokenizer)) return false
  const { files } = tokenizer
  await write(FILE_NAMES.tokenizer, files.tokenizer.text)
  if (files.config) await write(FILE_NAMES.config, files.config.text)
  if (files.specials) await write(FILE_NAMES.specials, files.specials.text)
  return true
}

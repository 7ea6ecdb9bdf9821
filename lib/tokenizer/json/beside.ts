/** A tokenizer's files as they lie in a folder. */
import { join } from 'node:path'
import { ClipwrightError } from '../../base/errors.js'
import { readTextFile } from '../../files/text.js'
import { readSentencePiece, SENTENCEPIECE_NAMES } from '../sentencepiece/read.js'
import { describeWordPiece } from '../wordpiece-json.js'
import { FILE_NAMES, readSaid, type TextFile, type TokenizerFiles } from './files.js'

/** A vocabulary of WordPiece, which folders hold that have no tokenizer.json. */
const VOCABULARY_NAME = 'vocab.txt'

/** Which of a folder's files are a tokenizer's. */
export function tokenizerFilesAmong(names: ReadonlySet<string>): string[] {
  const main = [FILE_NAMES.tokenizer, VOCABULARY_NAME, ...SENTENCEPIECE_NAMES].find((name) => names.has(name))
  return main ? [main, FILE_NAMES.config, FILE_NAMES.specials].filter((name) => names.has(name)) : []
}

/** @returns undefined when there are none. @throws ClipwrightError ERR_IO, ERR_FORMAT */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles | undefined> {
  const [config, specials] = [await read(folder, FILE_NAMES.config), await read(folder, FILE_NAMES.specials)]
  const beside = { ...(config && { config }), ...(specials && { specials }) }
  const tokenizer = await read(folder, FILE_NAMES.tokenizer)
  if (tokenizer) return { tokenizer, ...beside }
  const said = readSaid(beside)
  const vocabulary = await read(folder, VOCABULARY_NAME)
  if (vocabulary) return { ...fromVocabulary(vocabulary, said.lowerCase ?? true), ...beside }
  const described = await readSentencePiece(folder, said.className)
  return described && { tokenizer: described, ...beside }
}

async function read(folder: string, name: string): Promise<TextFile | undefined> {
  const where = join(folder, name)
  try {
    return { text: await readTextFile(where, (reason) => `${where} could not be read (${reason}).`), where }
  } catch (error) {
    if (error instanceof ClipwrightError && error.code === 'ERR_NOT_FOUND') return undefined
    throw error
  }
}

/** What transformers makes of a vocab.txt. */
function fromVocabulary({ text, where }: TextFile, lowerCase: boolean): TokenizerFiles {
  const pieces = text.replace(/\n$/, '').split('\n')
  const described = describeWordPiece(
    pieces.map((piece) => piece.replace(/\r$/, '')),
    lowerCase,
    where,
  )
  const specials = { pad_token: '[PAD]', sep_token: '[SEP]' }
  return {
    tokenizer: { text: JSON.stringify(described), where },
    specials: { text: JSON.stringify(specials), where },
  }
}

/** A BERT tokenizer as transformers keeps it: `vocab.txt`, since version 5 `tokenizer.json`, and `tokenizer_config.json`. */
import { join } from 'node:path'
import { z } from 'zod'
import { notAsExpected } from '../../../files/json.js'
import type { NativeModel } from '../../../native/model.js'
import { BertTokenizer } from '../../../tokenizer/bert-tokenizer.js'
import { type TokenizerChoice, vocabularyText } from '../../../tokenizer/choice.js'
import type { Tokenizer } from '../../../tokenizer/tokenizer.js'
import { type FileWriter, readJson, readText } from './files.js'
import { TOKENIZER_CONFIG_NAME, TOKENIZER_NAME } from './tokenizer-files.js'

export const VOCABULARY_NAME = 'vocab.txt'

/**
 * @returns `contextLength`: undefined without a limit
 * @throws ClipwrightError ERR_FORMAT for files that are not what they should be, ERR_IO
 */
export async function readBertTokenizer(
  folder: string,
): Promise<{ choice: TokenizerChoice; contextLength: number | undefined }> {
  const { lowerCase, contextLength } = await readConfig(join(folder, TOKENIZER_CONFIG_NAME))
  const vocab = await readVocabulary(folder)
  return { choice: { type: 'bert', lowerCase, ...(vocab && { vocab }) }, contextLength }
}

export async function writeBertTokenizer(
  tokenizer: Tokenizer,
  { contextLength }: NativeModel['text'],
  write: FileWriter,
): Promise<void> {
  if (!(tokenizer instanceof BertTokenizer)) return
  await write(VOCABULARY_NAME, vocabularyText(tokenizer))
  const { lowerCase } = tokenizer
  const config = { tokenizer_class: 'BertTokenizer', do_lower_case: lowerCase, model_max_length: contextLength }
  await write(TOKENIZER_CONFIG_NAME, config)
}

const configSchema = z.looseObject({
  do_lower_case: z.boolean().default(true),
  model_max_length: z.number().optional(),
})

async function readConfig(path: string): Promise<{ lowerCase: boolean; contextLength: number | undefined }> {
  const parsed = configSchema.safeParse((await readJson(path)) ?? {})
  if (!parsed.success) throw notAsExpected(path, parsed.error)
  const { do_lower_case: lowerCase, model_max_length: length } = parsed.data
  // Tokenizers without a limit say 1e30.
  return { lowerCase, contextLength: Number.isSafeInteger(length) && length! > 1 ? length : undefined }
}

const tokenizerSchema = z.looseObject({
  model: z.looseObject({ type: z.literal('WordPiece'), vocab: z.record(z.string(), z.int().min(0)) }),
})

/** As vocab.txt has it; undefined when the folder holds none. */
async function readVocabulary(folder: string): Promise<{ text: string; where: string } | undefined> {
  const plain = join(folder, VOCABULARY_NAME)
  const text = await readText(plain)
  if (text !== undefined) return { text, where: plain }
  const where = join(folder, TOKENIZER_NAME)
  const value = await readJson(where)
  if (value === undefined) return undefined
  const parsed = tokenizerSchema
    .refine(({ model }) => isNumbered(Object.values(model.vocab)), {
      path: ['model', 'vocab'],
      error: 'expected ids from 0 up, without a gap',
    })
    .safeParse(value)
  if (!parsed.success) throw notAsExpected(where, parsed.error)
  const pieces = Object.entries(parsed.data.model.vocab).sort(([, a], [, b]) => a - b)
  return { text: `${pieces.map(([piece]) => piece).join('\n')}\n`, where }
}

function isNumbered(ids: readonly number[]): boolean {
  return new Set(ids).size === ids.length && ids.every((id) => id < ids.length)
}

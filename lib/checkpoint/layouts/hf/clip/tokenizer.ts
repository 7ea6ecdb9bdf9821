/** CLIP's tokenizer as transformers keeps it: `vocab.json` and `merges.txt`, `tokenizer.json`, or all of them. */
import { join } from 'node:path'
import { z } from 'zod'
import { ClipwrightError } from '../../../../base/errors.js'
import { exists } from '../../../../files/exists.js'
import { notAsExpected } from '../../../../files/json.js'
import type { NativeModel } from '../../../../native/model.js'
import type { TokenizerChoice } from '../../../../tokenizer/choice.js'
import { ClipTokenizer } from '../../../../tokenizer/clip-tokenizer.js'
import { readTokenizerFiles } from '../../../../tokenizer/json/beside.js'
import type { Tokenizer } from '../../../../tokenizer/tokenizer.js'
import { type FileWriter, readJson, readText } from '../files.js'
import { readJsonTokenizer } from '../json-tokenizer.js'
import { SPECIAL_TOKENS_NAME, TOKENIZER_CONFIG_NAME, TOKENIZER_NAME } from '../tokenizer-files.js'
import { describeFastTokenizer, MERGES_TITLE, SPECIAL_TOKENS, vocabularyOf } from './vocabulary.js'

export const VOCABULARY_JSON_NAME = 'vocab.json'
export const MERGES_NAME = 'merges.txt'

/** Classes of transformers that are, or may be, CLIP's tokenizer; the files beside say what the general ones hold. */
const CLASSES = ['CLIPTokenizer', 'CLIPTokenizerFast', 'PreTrainedTokenizerFast', 'TokenizersBackend']

/**
 * Without any such file it is CLIP's. Another tokenizer.json, or what transformers makes one of, is the model's own.
 * @throws ClipwrightError ERR_UNSUPPORTED when the folder's tokenizer is another, in files that do not say all of it,
 *   ERR_FORMAT, ERR_IO
 */
export async function readClipTokenizer(
  folder: string,
): Promise<{ choice: TokenizerChoice; contextLength: number | undefined }> {
  if (await hasOwn(folder)) return readJsonTokenizer(folder, DEFAULTS)
  await checkClass(join(folder, TOKENIZER_CONFIG_NAME))
  await checkVocabulary(join(folder, VOCABULARY_JSON_NAME))
  await checkMerges(join(folder, MERGES_NAME))
  // The tower has a place for each position, so that its length is that of texts, too.
  return { choice: { type: 'clip' }, contextLength: undefined }
}

/** Of CLIPTextConfig. */
const DEFAULTS = { padId: 1, vocabSize: 49408 }

/** Whether all of another tokenizer lies there. */
async function hasOwn(folder: string): Promise<boolean> {
  const path = join(folder, TOKENIZER_NAME)
  if (!(await exists(path))) return (await readTokenizerFiles(folder)) !== undefined
  try {
    await checkFast(path)
    return false
  } catch (error) {
    if (error instanceof ClipwrightError && error.code === 'ERR_UNSUPPORTED') return true
    throw error
  }
}

const configSchema = z.looseObject({ tokenizer_class: z.string().nullish() })

async function checkClass(path: string): Promise<void> {
  const parsed = configSchema.safeParse((await readJson(path)) ?? {})
  if (!parsed.success) throw notAsExpected(path, parsed.error)
  const { tokenizer_class: name } = parsed.data
  if (name && !CLASSES.includes(name)) throw foreign(path, `is of a tokenizer of class ${JSON.stringify(name)}`)
}

const idsSchema = z.custom<Record<string, number>>(isVocabulary, 'expected an id for each token')

/** By hand, because zod would take longer over fifty thousand tokens than everything else. */
function isVocabulary(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((id) => Number.isSafeInteger(id) && id >= 0)
}

async function checkVocabulary(path: string): Promise<void> {
  const value = await readJson(path)
  if (value === undefined) return
  const parsed = idsSchema.safeParse(value)
  if (!parsed.success)
    throw new ClipwrightError('ERR_FORMAT', `${path} is no vocabulary: ${parsed.error.issues[0]!.message}.`)
  await requireIds(parsed.data, path)
}

async function checkMerges(path: string): Promise<void> {
  const text = await readText(path)
  if (text === undefined) return
  const lines = text.split(/\r?\n/)
  await requireMerges(lines[0]!.startsWith('#version') ? lines.slice(1) : lines, path)
}

const fastSchema = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string() })).default([]),
  model: z.looseObject({
    type: z.string(),
    vocab: z.unknown(),
    merges: z.unknown(),
  }),
})

async function checkFast(path: string): Promise<void> {
  const value = await readJson(path)
  if (value === undefined) return
  const parsed = fastSchema.safeParse(value)
  if (!parsed.success) throw notAsExpected(path, parsed.error)
  const { model, added_tokens: added } = parsed.data
  if (model.type !== 'BPE') throw foreign(path, `holds a vocabulary of the kind ${JSON.stringify(model.type)}`)
  const ids = idsSchema.safeParse(model.vocab)
  if (!ids.success) throw foreign(path, 'has other ids')
  await requireIds(ids.data, path)
  const merges = Array.isArray(model.merges) ? model.merges : []
  await requireMerges(
    merges.map((merge: unknown) => (Array.isArray(merge) ? merge.join(' ') : merge)),
    path,
  )
  const ours = vocabularyOf(await ClipTokenizer.load())
  const odd = added.find(({ id, content }) => ours.get(content) !== id)
  if (odd) throw foreign(path, `adds the token ${JSON.stringify(odd.content)} with the id ${odd.id}`)
}

async function requireIds(found: Readonly<Record<string, number>>, path: string): Promise<void> {
  const tokenizer = await ClipTokenizer.load()
  const entries = Object.entries(found)
  const count = tokenizer.vocabSize
  if (entries.length !== count) throw foreign(path, `has ${entries.length} tokens instead of ${count}`)
  const ours = vocabularyOf(tokenizer)
  const odd = entries.find(([token, id]) => ours.get(token) !== id)
  if (odd) throw foreign(path, `has the id ${odd[1]} for ${JSON.stringify(odd[0])}`)
}

/** Of more merges than CLIP's vocabulary has room for, its tokenizer takes the first. */
async function requireMerges(found: readonly unknown[], path: string): Promise<void> {
  const { merges } = (await ClipTokenizer.load()).vocabulary
  const odd = merges.findIndex((merge, i) => merge !== found[i])
  if (odd >= 0) throw foreign(path, `has another merge in place ${odd + 1} than ${JSON.stringify(merges[odd])}`)
}

function foreign(path: string, what: string): ClipwrightError {
  const message = `${path} ${what}, so the model's tokenizer is not CLIP's; another one needs its own tokenizer.json in the folder, as transformers saves it.`
  return new ClipwrightError('ERR_UNSUPPORTED', message)
}

/** Nothing when the text tower has other ids than the tokenizer: it was made for texts that come as ids. */
export async function writeClipTokenizer(
  tokenizer: Tokenizer,
  { vocabSize, contextLength }: NativeModel['text'],
  write: FileWriter,
): Promise<void> {
  if (!(tokenizer instanceof ClipTokenizer) || tokenizer.vocabSize !== vocabSize) return
  await writeClipVocabulary(tokenizer, write)
  await write(SPECIAL_TOKENS_NAME, SPECIAL_TOKENS)
  await write(TOKENIZER_CONFIG_NAME, {
    tokenizer_class: 'CLIPTokenizer',
    model_max_length: contextLength,
    add_prefix_space: false,
    do_lower_case: true,
    ...SPECIAL_TOKENS,
  })
}

/** Tokens and merges, in the forms of the slow and of the fast tokenizer. */
export async function writeClipVocabulary(tokenizer: ClipTokenizer, write: FileWriter): Promise<void> {
  await write(VOCABULARY_JSON_NAME, JSON.stringify(Object.fromEntries(vocabularyOf(tokenizer))))
  await write(MERGES_NAME, `${[MERGES_TITLE, ...tokenizer.vocabulary.merges].join('\n')}\n`)
  await write(TOKENIZER_NAME, JSON.stringify(describeFastTokenizer(tokenizer)))
}

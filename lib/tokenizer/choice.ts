/** Which tokenizer a model's texts go through: named beside its weights, so that loading never guesses. */
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { notAsExpected, parseJson } from '../files/json.js'
import { BertTokenizer } from './bert-tokenizer.js'
import { CLEANINGS } from './cleaning.js'
import { ClipTokenizer } from './clip-tokenizer.js'
import { IdsOnly } from './ids-only.js'
import { digestOf, type TokenizerFiles } from './json/files.js'
import { JsonTokenizer, type TextManner } from './json/json-tokenizer.js'
import { packFiles, unpackFiles } from './json/packed-files.js'
import type { Tokenizer } from './tokenizer.js'

/** A tokenizer of Hugging Face's, of files that lie beside the weights; without them texts are given as ids. */
export type JsonChoice = {
  type: 'json'
  manner: TextManner
  /** What it is called at Hugging Face. */
  name?: string
  /** Of the text tower. */
  padId: number
  vocabSize: number
  files?: TokenizerFiles
}

export type TokenizerChoice =
  | { type: 'clip' }
  /** `vocab`: the text of a vocab.txt and where it is from, where it is not the Chinese one that is shipped. */
  | { type: 'bert'; lowerCase: boolean; vocab?: { text: string; where: string } }
  | JsonChoice

/**
 * @throws ClipwrightError ERR_IO when a shipped vocabulary cannot be read, ERR_FORMAT for a vocabulary that is none and for
 *   what of a tokenizer.json is not known, ERR_MISMATCH for one that has ids which the text tower has not
 */
export async function openTokenizer(choice: TokenizerChoice): Promise<Tokenizer> {
  if (choice.type === 'clip') return ClipTokenizer.load()
  if (choice.type === 'json') return openJson(choice)
  const { lowerCase, vocab } = choice
  return vocab ? BertTokenizer.fromText(vocab.text, vocab.where, lowerCase) : BertTokenizer.load({ lowerCase })
}

async function openJson(choice: JsonChoice): Promise<Tokenizer> {
  const { files, manner, name, vocabSize } = choice
  if (!files) return new IdsOnly(choice)
  const tokenizer = await JsonTokenizer.of(files, manner, name)
  if (tokenizer.vocabSize <= vocabSize) return tokenizer
  const message = `${files.tokenizer.where} has ids up to ${tokenizer.vocabSize - 1}, but the model's vocabulary ${vocabSize} ids; put the tokenizer that the model was trained with beside its weights.`
  throw new ClipwrightError('ERR_MISMATCH', message)
}

const schema = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('clip') }),
  z.looseObject({ type: z.literal('bert'), lower_case: z.boolean().default(true), vocab: z.string().optional() }),
  z.looseObject({
    type: z.literal('json'),
    name: z.string().optional(),
    clean: z.enum(CLEANINGS),
    strip_sep_token: z.boolean().default(false),
    pad_id: z.int().min(0),
    vocab_size: z.int().min(1),
    files: z.record(z.string(), z.string()).optional(),
  }),
])

/**
 * What a file of weights keeps of its tokenizer, as JSON.
 * @param alone whether nothing lies beside it: then it holds the tokenizer's files, too
 */
export function describeTokenizer(tokenizer: Tokenizer, contextLength: number, alone = true): string {
  return JSON.stringify({ ...kindOf(tokenizer, alone), context_length: contextLength, pad_id: tokenizer.padId })
}

function kindOf(tokenizer: Tokenizer, alone: boolean): object {
  if (tokenizer instanceof ClipTokenizer) return { type: 'clip' }
  if (tokenizer instanceof JsonTokenizer || tokenizer instanceof IdsOnly) {
    const { name, manner, vocabSize } = tokenizer
    const said = { ...(name && { name }), clean: manner.clean, ...(manner.stripSeparator && { strip_sep_token: true }) }
    const files = tokenizer instanceof JsonTokenizer ? tokenizer.files : undefined
    const held = files && { sha256: digestOf(files), ...(alone && { files: packFiles(files) }) }
    return { type: 'json', ...said, vocab_size: vocabSize, ...held }
  }
  if (!(tokenizer instanceof BertTokenizer)) return {}
  const { lowerCase, isShipped } = tokenizer
  return { type: 'bert', lower_case: lowerCase, ...(!isShipped && { vocab: vocabularyText(tokenizer) }) }
}

/** As vocab.txt holds it. */
export function vocabularyText({ pieces }: BertTokenizer): string {
  return `${pieces.join('\n')}\n`
}

/**
 * @throws ClipwrightError ERR_FORMAT when it is not JSON or says too little, ERR_UNSUPPORTED for a tokenizer that this
 *   version has not
 */
export function parseTokenizer(json: string, where: string): TokenizerChoice {
  const place = `${where} (metadata, tokenizer)`
  const value = parseJson(json, place)
  const type = (Object(value) as { type?: unknown }).type
  if (!['clip', 'bert', 'json'].includes(String(type))) {
    throw new ClipwrightError(
      'ERR_UNSUPPORTED',
      `${where} was trained with the tokenizer ${JSON.stringify(type)}; supported: "clip", "bert", "json".`,
    )
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw notAsExpected(place, parsed.error)
  const choice = parsed.data
  if (choice.type === 'clip') return { type: 'clip' }
  if (choice.type === 'json') {
    const { name, clean, strip_sep_token: stripSeparator, pad_id: padId, vocab_size: vocabSize } = choice
    const files = choice.files && { files: unpackFiles(choice.files, place) }
    return { type: 'json', ...(name && { name }), manner: { clean, stripSeparator }, padId, vocabSize, ...files }
  }
  const vocab = choice.vocab === undefined ? {} : { vocab: { text: choice.vocab, where: `${where} (metadata)` } }
  return { type: 'bert', lowerCase: choice.lower_case, ...vocab }
}

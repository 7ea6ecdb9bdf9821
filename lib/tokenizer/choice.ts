/** Which tokenizer a model's texts go through: named beside its weights, so that loading never guesses. */
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { notAsExpected, parseJson } from '../files/json.js'
import { BertTokenizer } from './bert-tokenizer.js'
import { ClipTokenizer } from './clip-tokenizer.js'
import type { PackedTexts, TokenBatch, Tokenizer } from './tokenizer.js'

export type TokenizerChoice =
  | { type: 'clip' }
  /** `vocab`: the text of a vocab.txt and where it is from, where it is not the Chinese one that is shipped. */
  | { type: 'bert'; lowerCase: boolean; vocab?: { text: string; where: string } }
  /** Of models that are given ids only: XLM-RoBERTa's tokenizer is not there yet. */
  | { type: 'sentencepiece'; padId: number; vocabSize: number }
  /** Likewise, of those whose tokenizer, which has this name at Hugging Face, does not come with this library. */
  | { type: 'ids'; name: string; padId: number; vocabSize: number }

/** @throws ClipwrightError ERR_IO when a shipped vocabulary cannot be read, ERR_FORMAT for a vocabulary that is none */
export async function openTokenizer(choice: TokenizerChoice): Promise<Tokenizer> {
  if (choice.type === 'clip') return ClipTokenizer.load()
  if (choice.type === 'sentencepiece') return new IdsOnly(choice.padId, choice.vocabSize)
  if (choice.type === 'ids') return new IdsOnly(choice.padId, choice.vocabSize, choice.name)
  const { lowerCase, vocab } = choice
  return vocab ? BertTokenizer.fromText(vocab.text, vocab.where, lowerCase) : BertTokenizer.load({ lowerCase })
}

const schema = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('clip') }),
  z.looseObject({ type: z.literal('bert'), lower_case: z.boolean().default(true), vocab: z.string().optional() }),
  z.looseObject({ type: z.literal('sentencepiece'), pad_id: z.int().min(0), vocab_size: z.int().min(1) }),
  z.looseObject({ type: z.literal('ids'), name: z.string(), pad_id: z.int().min(0), vocab_size: z.int().min(1) }),
])

/** What a file of weights keeps of its tokenizer, as JSON. */
export function describeTokenizer(tokenizer: Tokenizer, contextLength: number): string {
  return JSON.stringify({ ...kindOf(tokenizer), context_length: contextLength, pad_id: tokenizer.padId })
}

function kindOf(tokenizer: Tokenizer): object {
  if (tokenizer instanceof ClipTokenizer) return { type: 'clip' }
  if (!(tokenizer instanceof BertTokenizer)) {
    const name = tokenizer instanceof IdsOnly ? tokenizer.name : undefined
    return { ...(name ? { type: 'ids', name } : { type: 'sentencepiece' }), vocab_size: tokenizer.vocabSize }
  }
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
  if (!['clip', 'bert', 'sentencepiece', 'ids'].includes(String(type))) {
    throw new ClipwrightError(
      'ERR_UNSUPPORTED',
      `${where} was trained with the tokenizer ${JSON.stringify(type)}; supported: "clip", "bert".`,
    )
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw notAsExpected(place, parsed.error)
  const choice = parsed.data
  if (choice.type === 'clip') return { type: 'clip' }
  if (choice.type === 'sentencepiece') return { type: choice.type, padId: choice.pad_id, vocabSize: choice.vocab_size }
  if (choice.type === 'ids') {
    return { type: choice.type, name: choice.name, padId: choice.pad_id, vocabSize: choice.vocab_size }
  }
  const vocab = choice.vocab === undefined ? {} : { vocab: { text: choice.vocab, where: `${where} (metadata)` } }
  return { type: 'bert', lowerCase: choice.lower_case, ...vocab }
}

/** Stands in for a tokenizer that is not there: everything but its numbers throws. */
class IdsOnly implements Tokenizer {
  readonly padId: number
  readonly vocabSize: number
  readonly name: string | undefined

  constructor(padId: number, vocabSize: number, name?: string) {
    this.padId = padId
    this.vocabSize = vocabSize
    this.name = name
  }

  encode(): number[] {
    throw this.#unsupported()
  }

  encodeBatch(): TokenBatch {
    throw this.#unsupported()
  }

  encodePacked(): PackedTexts {
    throw this.#unsupported()
  }

  decode(): string {
    throw this.#unsupported()
  }

  #unsupported(): ClipwrightError {
    const which = this.name
      ? `the tokenizer "${this.name}", which does not come with clipwright`
      : 'a SentencePiece tokenizer, which is not supported yet'
    const message = `This model's texts go through ${which}; pass Tokens.`
    return new ClipwrightError('ERR_UNSUPPORTED', message)
  }
}

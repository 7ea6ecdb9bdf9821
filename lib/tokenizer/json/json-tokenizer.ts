/** A tokenizer made of a `tokenizer.json`, id for id as Hugging Face's tokenizers makes of it. */
import { z } from 'zod'
import { ClipwrightError } from '../../base/errors.js'
import { notAsExpected, parseJson } from '../../files/json.js'
import { type Cleaning, cleaner } from '../cleaning.js'
import {
  checkText,
  type Framing,
  type PackedTexts,
  packBatch,
  padRows,
  symbolsOf,
  type TokenBatch,
  type Tokenizer,
} from '../tokenizer.js'
import { type AddedToken, AddedTokens, readAddedTokens } from './added-tokens.js'
import { makeDecoder } from './decoders.js'
import { readSaid, type Said, type TokenizerFiles } from './files.js'
import { makeFraming } from './framing.js'
import type { Model } from './model.js'
import { makeModel } from './models.js'
import { lowerCase, makeNormalizer, type Normalizer } from './normalizers.js'
import { loadTokenizersJs } from './patterns.js'
import { makePreTokenizer, type PreTokenizer } from './pre-tokenizers.js'

/** How a model has its texts treated, besides what its tokenizer's files say. */
export type TextManner = {
  /** What is done to texts before. */
  clean: Cleaning
  /** Whether the id of the token that ends texts is 0, as CLIPA's models were trained (`strip_sep_token` of open_clip). */
  stripSeparator: boolean
}

const schema = z.looseObject({
  added_tokens: z.unknown().optional(),
  normalizer: z.unknown().optional(),
  pre_tokenizer: z.unknown().optional(),
  post_processor: z.unknown().optional(),
  decoder: z.unknown().optional(),
  model: z.unknown().optional(),
  padding: z.looseObject({ pad_id: z.int().min(0) }).nullish(),
})

type Parts = {
  normalize: Normalizer
  split: PreTokenizer
  model: Model
  added: readonly AddedToken[]
  framing: Framing
  join: (tokens: string[]) => string
}

type Origin = {
  files: TokenizerFiles
  said: Said
  manner: TextManner
  name: string | undefined
  /** Of padding, where the files beside do not say. */
  padId: number | undefined
}

/**
 * Made of files by `JsonTokenizer.of`.
 * @example
 * const { tokenizer } = await Clip.load('my-siglip') // a folder with its tokenizer.json
 * const tokens = tokenizer.encodeBatch(['a photo of a dog'], { contextLength: 64 })
 */
export class JsonTokenizer implements Tokenizer {
  readonly padId: number
  readonly vocabSize: number
  /** @internal */
  readonly framing: Framing
  /** @internal */
  readonly files: TokenizerFiles
  /** @internal */
  readonly manner: TextManner
  /** What it is called at Hugging Face. @internal */
  readonly name: string | undefined
  readonly #parts: Parts
  readonly #tokens: readonly (string | undefined)[]
  readonly #raw: AddedTokens
  readonly #normalized: AddedTokens
  readonly #clean: (text: string) => string
  /** Whose id is 0 in texts. */
  readonly #separator: number | undefined

  private constructor(parts: Parts, { files, said, manner, name, padId }: Origin) {
    this.name = name
    this.#parts = parts
    this.files = files
    this.manner = manner
    this.#clean = cleaner(manner.clean)
    this.#tokens = tokensOf(parts)
    this.vocabSize = this.#tokens.length
    const idOf = (token: string | undefined, what: string) =>
      token === undefined ? undefined : this.#idOf(token, what)
    const pad = idOf(said.pad, 'pad_token') ?? padId
    if (pad === undefined) {
      const where = files.config?.where ?? files.tokenizer.where
      throw new ClipwrightError('ERR_FORMAT', `${where} names no pad_token, by which rows are filled; add it.`)
    }
    this.padId = pad
    this.#separator = manner.stripSeparator ? idOf(said.sep ?? '[SEP]', 'sep_token') : undefined
    const without = (ids: readonly number[]) => ids.map((id) => (id === this.#separator ? 0 : id))
    const { start, end } = framed(parts.framing, said, idOf)
    this.framing = { start: without(start), end: without(end) }
    const [normalized, raw] = [true, false].map((is) => parts.added.filter((token) => token.normalized === is))
    this.#raw = new AddedTokens(new Map(raw!.map((token) => [token.content, token])))
    this.#normalized = new AddedTokens(new Map(normalized!.map((token) => [parts.normalize(token.content), token])))
  }

  /**
   * @throws ClipwrightError ERR_FORMAT naming the component or the regular expression that is not known, or what of the files
   *   is not as it should be
   * @internal
   */
  static async of(files: TokenizerFiles, manner: TextManner, name?: string): Promise<JsonTokenizer> {
    const { text, where } = files.tokenizer
    const parsed = schema.safeParse(parseJson(text, where))
    if (!parsed.success) throw notAsExpected(where, parsed.error)
    const { added_tokens, normalizer, pre_tokenizer, post_processor, decoder, model, padding } = parsed.data
    const said = readSaid(files)
    const library = await loadTokenizersJs()
    const lower = said.className === 'Siglip2Tokenizer' ? lowerCase : (same: string) => same
    const normalize = makeNormalizer(normalizer, where, library)
    const parts: Parts = {
      // What the class adds whatever the file says.
      normalize: (same) => normalize(lower(same)),
      split: makePreTokenizer(pre_tokenizer, where, library),
      model: await makeModel(model, where),
      added: readAddedTokens(added_tokens, where),
      framing: makeFraming(post_processor, where),
      join: makeDecoder(decoder, where, library),
    }
    return new JsonTokenizer(parts, { files, said, manner, name, padId: padding?.pad_id })
  }

  /**
   * Ids of the text, without what frames it.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT when `text` is not a string, or there are no ids for its characters
   */
  encode(text: string): number[] {
    checkText(text)
    const ids: number[] = []
    const { normalize, split, model } = this.#parts
    const clean = this.#clean(text).replace(/\p{Surrogate}/gu, '\ufffd')
    for (const section of this.#raw.split(clean)) {
      if (section.id !== undefined) {
        ids.push(section.id)
        continue
      }
      for (const inner of this.#normalized.split(normalize(section.text))) {
        if (inner.id !== undefined) {
          ids.push(inner.id)
          continue
        }
        const first = section.start === 0 && inner.start === 0
        for (const piece of split({ text: inner.text, first })) {
          if (piece.text !== '') for (const id of model.encode(piece.text)) ids.push(id)
        }
      }
    }
    if (this.#separator === undefined) return ids
    return ids.map((id) => (id === this.#separator ? 0 : id))
  }

  /**
   * Rows [n, contextLength] of what stands before a text, its ids, what stands behind it, and padding. An over-long text is
   * cut and keeps its frame.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT when `texts` is not a list of strings or `contextLength` has no room for the
   *   frame
   */
  encodeBatch(texts: readonly string[], o: { contextLength: number }): TokenBatch {
    return padRows(this.encodePacked(texts, o), o.contextLength, this.padId)
  }

  /** @internal */
  encodePacked(texts: readonly string[], o: { contextLength: number }): PackedTexts {
    return packBatch(texts, o, this.framing, (text) => this.encode(text))
  }

  /**
   * The text of these ids. Special tokens show up as text.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT when `ids` is no list or an id is not in the vocabulary
   */
  decode(ids: ArrayLike<number>): string {
    return this.#parts.join([...symbolsOf(ids, this.vocabSize, (id) => this.#tokens[id])])
  }

  #idOf(token: string, what: string): number {
    const id = this.#parts.added.find(({ content }) => content === token)?.id ?? this.#parts.model.idOf(token)
    if (id !== undefined) return id
    const where = (this.files.config ?? this.files.specials ?? this.files.tokenizer).where
    throw new ClipwrightError('ERR_FORMAT', `${where}: "${what}": ${JSON.stringify(token)} is not in the vocabulary.`)
  }
}

function tokensOf({ model, added, normalize }: Parts): (string | undefined)[] {
  const tokens: (string | undefined)[] = []
  for (const [token, id] of model.tokens) tokens[id] = token
  // As tokenizers decodes them.
  for (const { content, id, normalized } of added) tokens[id] = normalized ? normalize(content) : content
  return tokens
}

/** As transformers has it: a configuration that says something of either end says all of both. */
function framed(
  framing: Framing,
  { addBos, addEos, bos, eos }: Said,
  idOf: (token: string | undefined, what: string) => number | undefined,
): Framing {
  if (addBos === undefined && addEos === undefined) return framing
  const [start, end] = [addBos && idOf(bos, 'bos_token'), addEos && idOf(eos, 'eos_token')]
  return { start: typeof start === 'number' ? [start] : [], end: typeof end === 'number' ? [end] : [] }
}

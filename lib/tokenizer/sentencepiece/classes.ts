/** What transformers' classes of tokenizers make of a SentencePiece model: which ids its pieces have, and what frames texts. */
import type { Piece, SentencePieceModel } from './model-proto.js'

export type Arrangement = {
  /** In the order of the ids. */
  pieces: Piece[]
  unkId: number
  /** Pieces before and behind each text. */
  start: string[]
  end: string[]
  /** The piece that fills rows, where no file names one. */
  pad: string | undefined
}

/** Undefined for a model whose pieces are not as the class expects them. */
type Row = (model: SentencePieceModel) => Arrangement | undefined

const special = (text: string): Piece => ({ text, score: 0, type: 'control' })
const textOf = ({ pieces }: SentencePieceModel, id: number) => pieces[id]?.text

const asTrained: Row = (model) => ({
  pieces: model.pieces,
  unkId: model.unkId,
  start: [],
  end: [],
  pad: textOf(model, model.padId),
})

const withEnd: Row = (model) => {
  const end = textOf(model, model.eosId)
  return end === undefined ? undefined : { ...asTrained(model)!, end: [end] }
}

/**
 * fairseq's ids, which XLM-R has: its own four tokens in front of the pieces, of which the first three are SentencePiece's, and
 * `<mask>` behind them.
 */
const fairseq: Row = (model) => {
  const { pieces } = model
  if (['<unk>', '<s>', '</s>'].some((text, id) => pieces[id]?.text !== text)) return undefined
  const own = ['<s>', '<pad>', '</s>'].map(special)
  return {
    pieces: [...own, { text: '<unk>', score: 0, type: 'unknown' }, ...pieces.slice(3), special('<mask>')],
    unkId: 3,
    start: ['<s>'],
    end: ['</s>'],
    pad: '<pad>',
  }
}

/** T5 has a hundred more, which fill gaps in its training. */
const t5: Row = (model) => {
  const arranged = withEnd(model)
  const sentinels = Array.from({ length: 100 }, (_, i) => special(`<extra_id_${99 - i}>`))
  return arranged && { ...arranged, pieces: [...arranged.pieces, ...sentinels] }
}

/** Rows are filled with the end, as in its training. */
const siglip: Row = (model) => {
  const arranged = withEnd(model)
  return arranged && { ...arranged, pad: arranged.end[0] }
}

/** By `tokenizer_class` without `Fast`. */
const CLASSES: Readonly<Record<string, Row>> = {
  XLMRobertaTokenizer: fairseq,
  T5Tokenizer: t5,
  SiglipTokenizer: siglip,
  Siglip2Tokenizer: withEnd,
  // Whether texts begin with a token of theirs, files beside say (`add_bos_token`).
  GemmaTokenizer: asTrained,
  LlamaTokenizer: asTrained,
  PreTrainedTokenizer: asTrained,
  TokenizersBackend: asTrained,
}

/** Of files whose name says whose they are, where no class does. */
const OF_NAMES: Readonly<Record<string, string>> = { 'sentencepiece.bpe.model': 'XLMRobertaTokenizer' }

/** Every class that is known. */
export const SENTENCEPIECE_CLASSES: readonly string[] = Object.keys(CLASSES)

/** @param name of the file @returns what is made of its model; undefined for a class that is not known */
export function arrangementOf(className: string | undefined, name: string): Row | undefined {
  const known = className?.replace(/Fast$/, '') ?? OF_NAMES[name] ?? 'PreTrainedTokenizer'
  return Object.hasOwn(CLASSES, known) ? CLASSES[known] : undefined
}

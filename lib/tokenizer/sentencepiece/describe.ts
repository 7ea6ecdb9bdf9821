/** A SentencePiece model as a tokenizer.json, as transformers converts it (`convert_slow_tokenizer.py`). */
import { ClipwrightError } from '../../base/errors.js'
import type { Arrangement } from './classes.js'
import { mergesOf } from './merges.js'
import type { SentencePieceModel } from './model-proto.js'

const MARK = '\u2581'

/** @throws ClipwrightError ERR_FORMAT naming what of the model has no form there */
export function describeSentencePiece(model: SentencePieceModel, arranged: Arrangement, where: string): object {
  const { pieces, start, end, pad } = arranged
  const ids = new Map(pieces.map(({ text }, id) => [text, id]))
  const has = unsupported(model)
  if (has) throw new ClipwrightError('ERR_FORMAT', `${where} is a SentencePiece model ${has}, which is not known here.`)
  const token = (content: string) => ({ SpecialToken: { id: content, type_id: 0 } })
  const framed = [...new Set([...start, ...end])]
  const specials = pieces.flatMap(({ text, type }, id) => {
    if (type !== 'control' && type !== 'unknown' && type !== 'userDefined') return []
    return [added(text, id, type !== 'userDefined')]
  })
  const padId = pad === undefined ? undefined : ids.get(pad)
  return {
    version: '1.0',
    truncation: null,
    padding: padId === undefined ? null : padding(pad!, padId),
    added_tokens: specials,
    normalizer: { type: 'Sequence', normalizers: normalizers(model) },
    pre_tokenizer: preTokenizer(model, arranged),
    post_processor: {
      type: 'TemplateProcessing',
      single: [...start.map(token), { Sequence: { id: 'A', type_id: 0 } }, ...end.map(token)],
      pair: [
        ...start.map(token),
        { Sequence: { id: 'A', type_id: 0 } },
        ...end.map(token),
        { Sequence: { id: 'B', type_id: 1 } },
      ],
      special_tokens: Object.fromEntries(framed.map((id) => [id, { id, ids: [ids.get(id)!], tokens: [id] }])),
    },
    decoder: decoder(model),
    model: model.type === 'unigram' ? unigram(model, arranged) : bpe(model, arranged, ids),
  }
}

function unsupported({ type, spaceAsSuffix, escapeSpaces }: SentencePieceModel): string | undefined {
  if (type !== 'unigram' && type !== 'bpe') return `of the kind "${type}"`
  if (spaceAsSuffix) return 'with spaces behind words'
  return escapeSpaces ? undefined : 'without marks for spaces'
}

function added(content: string, id: number, special: boolean): object {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special }
}

function padding(pad_token: string, pad_id: number): object {
  return { strategy: 'BatchLongest', direction: 'Right', pad_to_multiple_of: null, pad_id, pad_type_id: 0, pad_token }
}

function normalizers({ charsmap, removeExtraSpaces, addDummyPrefix }: SentencePieceModel): object[] {
  const map = { type: 'Precompiled', precompiled_charsmap: Buffer.from(charsmap).toString('base64') }
  const tidied = [
    { type: 'Strip', strip_left: true, strip_right: true },
    { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' },
  ]
  const marked = [
    ...(addDummyPrefix ? [{ type: 'Prepend', prepend: MARK }] : []),
    { type: 'Replace', pattern: { String: ' ' }, content: MARK },
  ]
  return [...(charsmap.length > 0 ? [map] : []), ...(removeExtraSpaces ? tidied : marked)]
}

/**
 * Nothing where spaces are marked one by one before. Word by word where no piece goes on behind a space: the same pieces, found
 * sooner and remembered.
 */
function preTokenizer(
  { removeExtraSpaces, addDummyPrefix }: SentencePieceModel,
  { pieces }: Arrangement,
): object | null {
  if (!removeExtraSpaces) return null
  const isApart = pieces.every(({ text }) => text.lastIndexOf(MARK) <= 0)
  const prepend_scheme = addDummyPrefix ? 'always' : 'never'
  return { type: 'Metaspace', replacement: MARK, prepend_scheme, split: isApart }
}

function decoder({ byteFallback, addDummyPrefix }: SentencePieceModel): object {
  const scheme = addDummyPrefix ? 'always' : 'never'
  if (!byteFallback) return { type: 'Metaspace', replacement: MARK, prepend_scheme: scheme, split: true }
  const steps = [
    { type: 'Replace', pattern: { String: MARK }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
  ]
  const strip = { type: 'Strip', content: ' ', start: 1, stop: 0 }
  return { type: 'Sequence', decoders: addDummyPrefix ? [...steps, strip] : steps }
}

function unigram({ byteFallback }: SentencePieceModel, { pieces, unkId }: Arrangement): object {
  const vocab = pieces.map(({ text, score }) => [text, score])
  return { type: 'Unigram', unk_id: unkId, vocab, byte_fallback: byteFallback }
}

function bpe({ byteFallback }: SentencePieceModel, { pieces, unkId }: Arrangement, ids: ReadonlyMap<string, number>) {
  const merged = pieces.filter(({ type }) => type === 'normal' || type === 'userDefined')
  return {
    type: 'BPE',
    dropout: null,
    unk_token: pieces[unkId]?.text ?? null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: true,
    byte_fallback: byteFallback,
    ignore_merges: false,
    vocab: Object.fromEntries(ids),
    merges: mergesOf(merged.map(({ text, score }) => [text, score])),
  }
}

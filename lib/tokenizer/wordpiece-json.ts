/** A WordPiece vocabulary as a tokenizer.json. */
import { ClipwrightError } from '../base/errors.js'
import { CONTINUED, LONGEST_WORD, SPECIAL_PIECES } from './wordpiece.js'

/** What transformers' BertTokenizerFast saves. @throws ClipwrightError ERR_FORMAT for a vocabulary without a special piece */
export function describeWordPiece(pieces: readonly string[], lowerCase: boolean, where: string): object {
  const ids = new Map(pieces.map((piece, id) => [piece, id]))
  const idOf = (piece: string) => {
    const id = ids.get(piece)
    if (id !== undefined) return id
    throw new ClipwrightError('ERR_FORMAT', `expected a WordPiece vocabulary in ${where}, but it has no ${piece}.`)
  }
  const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } })
  const text = (id: string, type_id: number) => ({ Sequence: { id, type_id } })
  const named = (id: string, ids: number) => ({ [id]: { id, ids: [ids], tokens: [id] } })
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_PIECES.map((content) => ({
      id: idOf(content),
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: lowerCase,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [special('[CLS]'), text('A', 0), special('[SEP]')],
      pair: [
        special('[CLS]'),
        text('A', 0),
        special('[SEP]'),
        text('B', 1),
        { SpecialToken: { id: '[SEP]', type_id: 1 } },
      ],
      special_tokens: { ...named('[CLS]', idOf('[CLS]')), ...named('[SEP]', idOf('[SEP]')) },
    },
    decoder: { type: 'WordPiece', prefix: CONTINUED, cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: CONTINUED,
      max_input_chars_per_word: LONGEST_WORD,
      vocab: Object.fromEntries(ids),
    },
  }
}

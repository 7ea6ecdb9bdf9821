/** CLIP's vocabulary in the words of transformers and its tokenizers. */
import type { ClipTokenizer } from '../../../../tokenizer/clip-tokenizer.js'

const START = '<|startoftext|>'
const END = '<|endoftext|>'

/** The first line of merges.txt. */
export const MERGES_TITLE = '#version: 0.2'

export const SPECIAL_TOKENS = { bos_token: START, eos_token: END, unk_token: END, pad_token: END } as const

/** Tokens and their ids, in the order of these. */
export function vocabularyOf({ vocabulary, startId, endId }: ClipTokenizer): Map<string, number> {
  const ids = vocabulary.symbols.map((symbol, id) => [symbol, id] as const)
  return new Map([...ids, [START, startId], [END, endId]])
}

/** What transformers' CLIPTokenizer makes of the vocabulary and saves as tokenizer.json. */
export function describeFastTokenizer(tokenizer: ClipTokenizer): object {
  const { startId, endId, vocabulary } = tokenizer
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [special(startId, START), special(endId, END)],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: WORD }, behavior: 'Removed', invert: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: [END, endId],
      cls: [START, startId],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: END,
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      vocab: Object.fromEntries(vocabularyOf(tokenizer)),
      // Each as one string, which older versions of tokenizers read, too.
      merges: vocabulary.merges,
    },
  }
}

/** What texts are cut into before bytes are merged. */
const WORD = String.raw`<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`

function special(id: number, content: string): object {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
}

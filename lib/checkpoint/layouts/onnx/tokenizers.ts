/** Tokenizers as transformers.js reads them: all of one is in `tokenizer.json`, and its special tokens in its configuration. */
import type { NativeModel } from '../../../native/model.js'
import { BertTokenizer } from '../../../tokenizer/bert-tokenizer.js'
import { vocabularyText } from '../../../tokenizer/choice.js'
import { ClipTokenizer } from '../../../tokenizer/clip-tokenizer.js'
import { describeWordPiece } from '../../../tokenizer/wordpiece-json.js'
import { VOCABULARY_NAME } from '../hf/bert-tokenizer.js'
import { MERGES_NAME, VOCABULARY_JSON_NAME, writeClipVocabulary } from '../hf/clip/tokenizer.js'
import { SPECIAL_TOKENS } from '../hf/clip/vocabulary.js'
import type { FileWriter } from '../hf/files.js'
import { TOKENIZER_CONFIG_NAME, TOKENIZER_NAME } from '../hf/tokenizer-files.js'
import type { SavedModel } from '../layout.js'

export const TOKENIZER_FILES = [
  TOKENIZER_NAME,
  TOKENIZER_CONFIG_NAME,
  VOCABULARY_NAME,
  VOCABULARY_JSON_NAME,
  MERGES_NAME,
] as const

/** Nothing where the text tower has other ids than the tokenizer: it was made for texts that come as ids. */
export async function writeClipTokenizer(
  { tokenizer }: SavedModel,
  { vocabSize, contextLength }: NativeModel['text'],
  write: FileWriter,
): Promise<void> {
  if (!(tokenizer instanceof ClipTokenizer) || tokenizer.vocabSize !== vocabSize) return
  await writeClipVocabulary(tokenizer, write)
  await write(TOKENIZER_CONFIG_NAME, {
    tokenizer_class: 'CLIPTokenizer',
    model_max_length: contextLength,
    do_lower_case: true,
    ...SPECIAL_TOKENS,
  })
}

export async function writeBertTokenizer(
  { tokenizer }: SavedModel,
  { vocabSize, contextLength }: NativeModel['text'],
  write: FileWriter,
): Promise<void> {
  if (!(tokenizer instanceof BertTokenizer) || tokenizer.vocabSize > vocabSize) return
  await write(VOCABULARY_NAME, vocabularyText(tokenizer))
  await write(
    TOKENIZER_NAME,
    JSON.stringify(describeWordPiece(tokenizer.pieces, tokenizer.lowerCase, 'the vocabulary')),
  )
  await write(TOKENIZER_CONFIG_NAME, {
    tokenizer_class: 'BertTokenizer',
    do_lower_case: tokenizer.lowerCase,
    model_max_length: contextLength,
    unk_token: '[UNK]',
    sep_token: '[SEP]',
    pad_token: '[PAD]',
    cls_token: '[CLS]',
    mask_token: '[MASK]',
  })
}

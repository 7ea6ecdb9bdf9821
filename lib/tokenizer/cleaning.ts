/** What open_clip does to a text before a tokenizer of Hugging Face's sees it (`get_clean_fn` of `src/open_clip/tokenizer.py`). */
import { fixText } from './ftfy/fix-text.js'
import { unescapeHtml } from './html/unescape.js'
import { collapseWhitespace } from './whitespace.js'

/** As `tokenizer_kwargs.clean` names them, and 'none', which is transformers' own way. */
export const CLEANINGS = ['none', 'whitespace', 'lower', 'canonicalize'] as const
export type Cleaning = (typeof CLEANINGS)[number]

const FUNCTIONS: Readonly<Record<Cleaning, (text: string) => string>> = {
  none: (text) => text,
  whitespace: cleanWhitespace,
  lower: (text) => cleanWhitespace(text).toLowerCase(),
  canonicalize: (text) => canonicalizeText(repaired(text)),
}

export function cleaner(cleaning: Cleaning): (text: string) => string {
  return FUNCTIONS[cleaning]
}

/** open_clip's `basic_clean`, and its `whitespace_clean` after it. */
export function cleanWhitespace(text: string): string {
  return collapseWhitespace(repaired(text))
}

/** Mojibake repaired, HTML's entities unescaped twice. */
const repaired = (text: string) => unescapeHtml(unescapeHtml(fixText(text)))

/** Python's `string.punctuation` but for the underscore. */
const PUNCTUATION = /[!-/:-@[-^`{-~]/g

/**
 * Lower case without punctuation, words parted by one space: SigLIP's captions. An underscore is a space.
 * Source: `canonicalize_text` of open_clip, from big_vision's `prompt_engineering.py`.
 */
export function canonicalizeText(text: string): string {
  return collapseWhitespace(text.replaceAll('_', ' ').replace(PUNCTUATION, '').toLowerCase())
}

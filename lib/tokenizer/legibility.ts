/** Whether a tokenizer can read what captions are written in. None fails on any text, so nothing else would tell. */
import { BertTokenizer } from './bert-tokenizer.js'
import { ClipTokenizer } from './clip-tokenizer.js'
import type { Tokenizer } from './tokenizer.js'

/** Shares above which captions are called illegible: of tokens that are [UNK], of letters that are Chinese. */
const UNKNOWN = 0.2
const CHINESE = 0.5

/** A sentence when a good part of these captions is lost on the tokenizer. */
export function illegible(tokenizer: Tokenizer, captions: Iterable<string>): string | undefined {
  if (tokenizer instanceof BertTokenizer) {
    const share = unknownShare(tokenizer, captions)
    if (share <= UNKNOWN) return undefined
    return `${percent(share)} of the captions' words are not in the model's vocabulary and read as [UNK], all of them the same; is it the vocabulary of another language, or of lower case alone?`
  }
  if (!(tokenizer instanceof ClipTokenizer)) return undefined
  const share = chineseShare(captions)
  if (share <= CHINESE) return undefined
  return `${percent(share)} of the captions' letters are Chinese, which CLIP's English tokenizer reads as two or three pieces of bytes each; models with a Chinese text tower, such as self-cn/VIT-B-32, read them as they are.`
}

function unknownShare(tokenizer: BertTokenizer, captions: Iterable<string>): number {
  const unknown = tokenizer.pieces.indexOf('[UNK]')
  let [found, all] = [0, 0]
  for (const caption of captions) {
    for (const id of tokenizer.encode(caption)) {
      all++
      if (id === unknown) found++
    }
  }
  return found / Math.max(all, 1)
}

function chineseShare(captions: Iterable<string>): number {
  let [found, all] = [0, 0]
  for (const caption of captions) {
    found += caption.match(/\p{Script=Han}/gu)?.length ?? 0
    all += caption.match(/\p{L}/gu)?.length ?? 0
  }
  return found / Math.max(all, 1)
}

const percent = (share: number) => `${Math.round(100 * share)} %`

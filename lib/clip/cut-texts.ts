import { counted } from '../base/counted.js'
import type { Truncation } from '../tokenizer/truncation.js'
import type { Clip } from './clip.js'
import { sessionOf } from './session.js'

/** What is said of texts that lose their end in a model's context; undefined where none does, or that is an error. */
export function cutTextsWarning(
  clip: Clip,
  texts: readonly string[],
  truncation: Truncation | undefined,
  where: string,
): string | undefined {
  if (truncation === 'error') return undefined
  const { contextLength } = sessionOf(clip, where).model.text
  const { truncated } = clip.tokenizer.encodePacked(texts, { contextLength })
  if (truncated === 0) return undefined
  const [are, their] = truncated === 1 ? ['is', 'its'] : ['are', 'their']
  return `${truncated} of ${counted(texts.length, 'text')} ${are} longer than the model's context of ${contextLength} tokens and lost ${their} end.`
}

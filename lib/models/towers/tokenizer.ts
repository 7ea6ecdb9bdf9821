/** Which of Hugging Face's tokenizers open_clip takes for a text tower (`get_tokenizer` of `src/open_clip/factory.py`). */
import { z } from 'zod'
import type { JsonChoice } from '../../tokenizer/choice.js'
import { CLEANINGS } from '../../tokenizer/cleaning.js'

/** Of open_clip's `HFTokenizer`; what else is there goes to transformers, whose files say it, too. */
export const tokenizerKwargs = z
  .looseObject({
    clean: z.enum(CLEANINGS, { error: `expected ${CLEANINGS.join(', ')}` }).optional(),
    strip_sep_token: z.boolean().optional(),
  })
  .nullable()
  .optional()

/** @param name at Hugging Face */
export function jsonTokenizer(
  name: string | undefined,
  kwargs: z.output<typeof tokenizerKwargs>,
  padId: number,
  vocabSize: number,
): JsonChoice {
  const manner = { clean: kwargs?.clean ?? 'whitespace', stripSeparator: kwargs?.strip_sep_token ?? false } as const
  return { type: 'json', ...(name && { name }), manner, padId, vocabSize }
}

/** A tokenizer of files that lie in the folder, as transformers takes them; without them captions are given as ids. */
import { join } from 'node:path'
import { z } from 'zod'
import { notAsExpected } from '../../../files/json.js'
import type { TokenizerChoice } from '../../../tokenizer/choice.js'
import { readJson } from './files.js'

const schema = z.looseObject({
  text_config: z
    .looseObject({ pad_token_id: z.int().min(0).nullish(), vocab_size: z.int().positive().nullish() })
    .nullish(),
})

/** transformers cleans nothing but what the tokenizer's class does. */
const MANNER = { clean: 'none', stripSeparator: false } as const

/**
 * @param defaults what the family's text_config has where the folder's says nothing
 * @throws ClipwrightError ERR_FORMAT, ERR_IO
 */
export async function readJsonTokenizer(
  folder: string,
  defaults: { padId: number; vocabSize: number },
): Promise<{ choice: TokenizerChoice; contextLength: number | undefined }> {
  const path = join(folder, 'config.json')
  const parsed = schema.safeParse((await readJson(path)) ?? {})
  if (!parsed.success) throw notAsExpected(path, parsed.error)
  const { pad_token_id: padId, vocab_size: vocabSize } = parsed.data.text_config ?? {}
  const ids = { padId: padId ?? defaults.padId, vocabSize: vocabSize ?? defaults.vocabSize }
  return { choice: { type: 'json', manner: MANNER, ...ids }, contextLength: undefined }
}

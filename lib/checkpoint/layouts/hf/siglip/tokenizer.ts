/** SigLIP's tokenizer, a SentencePiece model, does not come with this library: captions are given as ids. */
import { join } from 'node:path'
import { z } from 'zod'
import { notAsExpected } from '../../../../files/json.js'
import type { TokenizerChoice } from '../../../../tokenizer/choice.js'
import { readJson } from '../files.js'

const schema = z.looseObject({
  text_config: z
    .looseObject({ pad_token_id: z.int().min(0).nullish(), vocab_size: z.int().positive().nullish() })
    .nullish(),
})

/** @throws ClipwrightError ERR_FORMAT, ERR_IO */
export async function readSiglipTokenizer(
  folder: string,
): Promise<{ choice: TokenizerChoice; contextLength: number | undefined }> {
  const path = join(folder, 'config.json')
  const parsed = schema.safeParse((await readJson(path)) ?? {})
  if (!parsed.success) throw notAsExpected(path, parsed.error)
  const { pad_token_id: padId, vocab_size: vocabSize } = parsed.data.text_config ?? {}
  const choice = { type: 'ids', name: 'SiglipTokenizer', padId: padId ?? 1, vocabSize: vocabSize ?? 32000 } as const
  return { choice, contextLength: undefined }
}

/** SigLIP's tokenizer: the tokenizer.json beside the weights, without which captions are given as ids. */
import { join } from 'node:path'
import { z } from 'zod'
import { notAsExpected } from '../../../../files/json.js'
import type { TokenizerChoice } from '../../../../tokenizer/choice.js'
import { readTokenizerFiles } from '../../../../tokenizer/json/beside.js'
import { readJson } from '../files.js'
import { TOKENIZER_CONFIG_NAME } from '../tokenizer-files.js'

const schema = z.looseObject({
  text_config: z
    .looseObject({ pad_token_id: z.int().min(0).nullish(), vocab_size: z.int().positive().nullish() })
    .nullish(),
})
const classSchema = z.looseObject({ tokenizer_class: z.string().optional() })

/** @throws ClipwrightError ERR_FORMAT, ERR_IO */
export async function readSiglipTokenizer(
  folder: string,
): Promise<{ choice: TokenizerChoice; contextLength: number | undefined }> {
  const { text_config } = await read(join(folder, 'config.json'), schema)
  const { pad_token_id: padId, vocab_size: vocabSize } = text_config ?? {}
  const { tokenizer_class: kind = 'SiglipTokenizer' } = await read(join(folder, TOKENIZER_CONFIG_NAME), classSchema)
  const files = await readTokenizerFiles(folder)
  // transformers' class for the first SigLIP cleans captions itself; SigLIP 2's leaves that to the file.
  const clean = kind.startsWith('Siglip') ? ('canonicalize' as const) : ('none' as const)
  const numbers = { padId: padId ?? 1, vocabSize: vocabSize ?? 32000 }
  const choice = { type: 'json', name: kind, manner: { clean, stripSeparator: false }, ...numbers } as const
  return { choice: { ...choice, ...(files && { files }) }, contextLength: undefined }
}

async function read<T extends z.ZodType>(path: string, kind: T): Promise<z.output<T>> {
  const parsed = kind.safeParse((await readJson(path)) ?? {})
  if (!parsed.success) throw notAsExpected(path, parsed.error)
  return parsed.data
}

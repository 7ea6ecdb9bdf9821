/** The files of one of Hugging Face's tokenizers, as texts, and what of them is needed beside `tokenizer.json`. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { notAsExpected, parseJson } from '../../files/json.js'

/** What a file holds, and where it is from. */
export type TextFile = { text: string; where: string }

export type TokenizerFiles = {
  /** `tokenizer.json` */
  tokenizer: TextFile
  /** `tokenizer_config.json` */
  config?: TextFile
  /** `special_tokens_map.json` */
  specials?: TextFile
}

/** What they are called. */
export const FILE_NAMES = {
  tokenizer: 'tokenizer.json',
  config: 'tokenizer_config.json',
  specials: 'special_tokens_map.json',
} as const satisfies Record<keyof TokenizerFiles, string>

/** Which files are the same, whatever their white space. */
export function digestOf({ tokenizer, config, specials }: TokenizerFiles): string {
  const hash = createHash('sha256')
  for (const file of [tokenizer, config, specials]) {
    hash.update(file ? JSON.stringify(parseJson(file.text, file.where)) : '').update('\0')
  }
  return hash.digest('hex')
}

const token = z.union([z.string(), z.looseObject({ content: z.string() })], { error: 'expected a token' }).nullish()
const schema = z.looseObject({
  pad_token: token,
  bos_token: token,
  eos_token: token,
  sep_token: token,
  add_bos_token: z.boolean().nullish(),
  add_eos_token: z.boolean().nullish(),
  do_lower_case: z.boolean().nullish(),
  tokenizer_class: z.string().nullish(),
  model_max_length: z.number().nullish(),
})

/** Tokens by what they are for, and what else the files beside `tokenizer.json` say. */
export type Said = {
  pad?: string
  bos?: string
  eos?: string
  sep?: string
  /** Undefined where the file leaves the frame to `tokenizer.json`. */
  addBos?: boolean
  addEos?: boolean
  lowerCase?: boolean
  className?: string
  /** Undefined without a limit. */
  maxLength?: number
}

/** @throws ClipwrightError ERR_FORMAT for a file that is not JSON, or names something that is no token */
export function readSaid({ config, specials }: Pick<TokenizerFiles, 'config' | 'specials'>): Said {
  const [own, map] = [parse(config), parse(specials)]
  const name = (key: 'pad_token' | 'bos_token' | 'eos_token' | 'sep_token') => {
    const found = own[key] ?? map[key]
    return typeof found === 'string' ? found : found?.content
  }
  return defined({
    pad: name('pad_token'),
    bos: name('bos_token'),
    eos: name('eos_token'),
    sep: name('sep_token'),
    addBos: own.add_bos_token ?? undefined,
    addEos: own.add_eos_token ?? undefined,
    lowerCase: own.do_lower_case ?? undefined,
    className: own.tokenizer_class ?? undefined,
    // Tokenizers without a limit say 1e30.
    maxLength:
      Number.isSafeInteger(own.model_max_length) && own.model_max_length! > 1 ? own.model_max_length! : undefined,
  })
}

function parse(file: TextFile | undefined): z.output<typeof schema> {
  if (!file) return {}
  const parsed = schema.safeParse(parseJson(file.text, file.where))
  if (!parsed.success) throw notAsExpected(file.where, parsed.error)
  return parsed.data
}

function defined(said: { [K in keyof Said]: Said[K] | undefined }): Said {
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
}

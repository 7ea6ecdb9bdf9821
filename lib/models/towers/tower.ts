/** What a row of the table of towers says. */
import type { z } from 'zod'
import type { PreprocessConfig } from '../../image/preprocess-config.js'
import type { NativeModel } from '../../native/model.js'
import type { TokenizerChoice } from '../../tokenizer/choice.js'

/** The keys beside the towers that they are built by, too. */
export type Whole = { embed_dim: number; quick_gelu?: boolean | undefined }

type Tower<Config> = {
  /** Whether a `vision_cfg` or `text_cfg`, not checked yet, describes this kind; the first of the table that says so is it. */
  is(config: unknown): boolean
  /** What open_clip's JSON may say. */
  schema: z.ZodObject & z.ZodType<unknown, Config>
  /** What a value means that the schema refuses, where more can be said than what was expected: the end of a sentence. */
  explain?(key: string, value: unknown): string | undefined
}

export type ImageTower<Config> = Tower<Config> & {
  /** Side of the input in pixels. @throws ClipwrightError ERR_UNSUPPORTED when it is not square */
  imageSize(vision: Config, where: string): number
  /** @throws ClipwrightError ERR_INVALID_ARGUMENT when sizes do not divide, ERR_UNSUPPORTED */
  resolve(model: Whole, vision: Config, preprocess: PreprocessConfig, where: string): NativeModel['vision']
}

export type TextTower<Config> = Tower<Config> & {
  /** @throws ClipwrightError ERR_INVALID_ARGUMENT when sizes do not divide or fit */
  resolve(model: Whole, text: Config, where: string): NativeModel['text']
  /** Of a model that does not say. */
  tokenizer(text: Config): TokenizerChoice
}

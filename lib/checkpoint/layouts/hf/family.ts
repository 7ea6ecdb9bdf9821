/** What Hugging Face's classes for a family of models need to say for themselves. */
import type { PreprocessConfig } from '../../../image/preprocess-config.js'
import type { ModelConfig } from '../../../models/config.js'
import type { NativeModel } from '../../../native/model.js'
import type { TokenizerChoice } from '../../../tokenizer/choice.js'
import type { Tokenizer } from '../../../tokenizer/tokenizer.js'
import type { ReadLayout } from '../layout.js'
import type { FileWriter } from './files.js'

export type HfFamily = Omit<ReadLayout, 'id'> & {
  /** Of config.json. */
  modelType: string
  /** The class that prepares pictures, and how they are fitted where no file says it. */
  imageProcessor: string
  resizeMode: 'shortest' | 'squash'
  /** What that class has where its file lacks a key; by default CLIP's statistics and a crop. */
  imageDefaults?: Pick<PreprocessConfig, 'mean' | 'std' | 'resize_mode'>
  /** Whether its class has a `logit_bias`, as models for the sigmoid loss. */
  logitBias?: true
  /**
   * open_clip's configuration from config.json.
   * @param where the file, for messages
   * @throws ClipwrightError ERR_FORMAT naming the key that is not as such files have it, ERR_UNSUPPORTED
   */
  fromConfig(value: unknown, where: string): ModelConfig
  /** config.json of a model that has a form in this family. */
  toConfig(model: NativeModel): object
  /** @throws ClipwrightError ERR_FORMAT for files that are not what they should be, ERR_UNSUPPORTED for another tokenizer, ERR_IO */
  readTokenizer(
    folder: string,
  ): Promise<{ choice: TokenizerChoice /** undefined without a limit */; contextLength: number | undefined }>
  /** Writes nothing for a tokenizer that is not the text tower's. */
  writeTokenizer(tokenizer: Tokenizer, text: NativeModel['text'], write: FileWriter): Promise<void>
}

import type { TensorNames } from '../layout.js'
import { same } from '../stored-parts.js'

/** open_clip's names stem from these; OpenAI's archives hold three sizes besides. */
export const openAiNames: TensorNames = {
  partsOf: same,
  ignores: (name) => ['input_resolution', 'context_length', 'vocab_size'].includes(name),
}

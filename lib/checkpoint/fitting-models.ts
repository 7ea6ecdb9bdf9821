/** Which of the built-in models a file's tensors could be, by their shapes: for messages, never to load by. */
import type { ModelConfig } from '../models/config.js'
import { listModels, modelConfig } from '../models/registry.js'
import type { TensorInfo } from './safetensors.js'

/** Names of the models with causal text towers that have these shapes; quick GELU and GELU have the same. */
export function fittingModels(entries: ReadonlyMap<string, TensorInfo>): string[] {
  return listModels().filter((name) => {
    const { text_cfg, ...config } = modelConfig(name)
    if ('hf_model_name' in text_cfg || 'hf_config' in text_cfg) return false
    return Object.entries(expectedShapes({ ...config, text_cfg })).every(
      ([key, shape]) => JSON.stringify(entries.get(key)?.shape) === JSON.stringify(shape),
    )
  })
}

/** Of the tensors that tell models apart, in OpenAI's names; undefined where there must be no more blocks. */
function expectedShapes({ embed_dim, vision_cfg: vision, text_cfg: text }: ModelConfig): Record<string, unknown> {
  const { image_size: size = 224, patch_size: patch = 16, width = 768, layers = 12 } = vision
  const { context_length = 77, vocab_size = 49408, width: textWidth = 512, layers: textLayers = 12 } = text
  const patches = (Number(size) / Number(patch)) ** 2
  const block = (layer: unknown) => `transformer.resblocks.${layer}.ln_1.weight`
  return {
    'visual.conv1.weight': [width, 3, patch, patch],
    'visual.positional_embedding': [patches + 1, width],
    'visual.proj': [width, embed_dim],
    [`visual.${block(Number(layers) - 1)}`]: [width],
    [`visual.${block(layers)}`]: undefined,
    'token_embedding.weight': [vocab_size, textWidth],
    positional_embedding: [context_length, textWidth],
    text_projection: [textWidth, embed_dim],
    [block(textLayers - 1)]: [textWidth],
    [block(textLayers)]: undefined,
  }
}

/** transformers' CLIPConfig, as far as transformers.js and readers of its folders look at it. */
import type { NativeModel } from '../../../native/model.js'
import type { NativeActivation } from '../../../native/names.js'

export function describeClip({ embedDim, initLogitScale, vision, text }: NativeModel): object {
  return {
    architectures: ['CLIPModel'],
    model_type: 'clip',
    projection_dim: embedDim,
    logit_scale_init_value: initLogitScale,
    text_config: {
      model_type: 'clip_text_model',
      vocab_size: text.vocabSize,
      ...blocks(text),
      max_position_embeddings: text.contextLength,
      projection_dim: embedDim,
      bos_token_id: text.vocabSize - 2,
      eos_token_id: text.vocabSize - 1,
      pad_token_id: text.vocabSize - 1,
    },
    vision_config: {
      model_type: 'clip_vision_model',
      ...blocks(vision),
      num_channels: 3,
      image_size: vision.imageSize,
      patch_size: vision.patchSize,
      projection_dim: embedDim,
    },
  }
}

const HIDDEN_ACT: Readonly<Record<NativeActivation, string>> = {
  gelu: 'gelu',
  gelu_tanh: 'gelu_pytorch_tanh',
  quick_gelu: 'quick_gelu',
}

type Blocks = Pick<NativeModel['text'], 'width' | 'layers' | 'heads' | 'mlpWidth' | 'activation' | 'layerNormEps'>

const blocks = ({ width, layers, heads, mlpWidth, activation, layerNormEps }: Blocks) => ({
  hidden_size: width,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  intermediate_size: mlpWidth,
  hidden_act: HIDDEN_ACT[activation],
  layer_norm_eps: layerNormEps,
})

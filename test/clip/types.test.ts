/** What the compiler must accept and refuse; `npm run check` reads the same file. */
import { describe, expectTypeOf, it } from 'vitest'
import type {
  AdamW,
  BatchOptions,
  Clip,
  Images,
  InfoNCE,
  Layout,
  Loss,
  ModelConfig,
  Optimizer,
  Parameter,
  PreprocessConfig,
  SaveOptions,
  Sgd,
  StepResult,
  Tensor,
  Tokenizer,
  Tokens,
} from '../../lib/index.js'

type CreateOptions = NonNullable<Parameters<typeof Clip.create>[1]>

describe('types', () => {
  it('of Clip', () => {
    expectTypeOf<typeof Clip.create>().parameter(0).toEqualTypeOf<string | ModelConfig>()
    expectTypeOf<typeof Clip.create>().returns.resolves.toEqualTypeOf<Clip>()
    expectTypeOf<typeof Clip.load>().parameter(0).toEqualTypeOf<string | URL>()
    expectTypeOf<Clip['precision']>().toEqualTypeOf<'fp32' | 'bf16' | 'fp16' | 'int8'>()
    expectTypeOf<CreateOptions['device']>().toEqualTypeOf<'auto' | 'cpu' | 'cuda' | `cuda:${number}` | undefined>()
    expectTypeOf<CreateOptions['precision']>().toEqualTypeOf<'fp32' | 'bf16' | 'fp16' | undefined>()
    expectTypeOf<'cuda:0'>().toExtend<NonNullable<CreateOptions['device']>>()
    expectTypeOf<'tpu'>().not.toExtend<NonNullable<CreateOptions['device']>>()
    expectTypeOf<Clip['config']>().toEqualTypeOf<ModelConfig>()
    expectTypeOf<Clip['preprocess']>().toEqualTypeOf<PreprocessConfig>()
    expectTypeOf<Clip['tokenizer']>().toEqualTypeOf<Tokenizer>()
    expectTypeOf<Clip>().toExtend<AsyncDisposable>()
  })

  it('of encoding', () => {
    expectTypeOf<Clip['encodeImages']>().parameter(0).toEqualTypeOf<Images>()
    expectTypeOf<Clip['encodeImages']>().returns.resolves.toEqualTypeOf<Tensor>()
    expectTypeOf<Clip['encodeTexts']>().parameter(0).toEqualTypeOf<string | readonly string[] | Tokens>()
    expectTypeOf<readonly [string, URL, Uint8Array]>().toExtend<Images>()
    expectTypeOf<string>().toExtend<Images>()
    expectTypeOf<string[]>().toExtend<Images>()
    expectTypeOf<number[]>().not.toExtend<Images>()
    expectTypeOf<Tensor['data']>().toEqualTypeOf<Float32Array>()
  })

  it('of training', () => {
    expectTypeOf<InfoNCE>().toExtend<Loss>()
    expectTypeOf<Clip['forwardBackward']>().parameter(2).toEqualTypeOf<BatchOptions | undefined>()
    expectTypeOf<Clip['forwardBackward']>().returns.resolves.toEqualTypeOf<{ loss: number; logitScale: number }>()
    expectTypeOf<AdamW>().toExtend<Optimizer>()
    expectTypeOf<Sgd>().toExtend<Optimizer>()
    expectTypeOf<Optimizer['step']>().returns.resolves.toEqualTypeOf<StepResult>()
    expectTypeOf<StepResult>().toEqualTypeOf<{ gradNorm: number; skipped: boolean; lossScale?: number }>()
    expectTypeOf<ConstructorParameters<typeof AdamW>[1]['groups']>().toEqualTypeOf<
      { match: RegExp; lr?: number; weightDecay?: number }[] | undefined
    >()
  })

  it('of parameters and saving', () => {
    expectTypeOf<Clip['parameters']>().returns.toEqualTypeOf<Parameter[]>()
    // What a parameter says of itself makes a tensor to write.
    expectTypeOf<Parameter['shape']>().toEqualTypeOf<Tensor['shape']>()
    expectTypeOf<Parameter['trainable']>().toEqualTypeOf<boolean>()
    expectTypeOf<Parameter['readGrad']>().returns.resolves.toEqualTypeOf<Tensor>()
    expectTypeOf<Parameter['write']>().parameter(0).toEqualTypeOf<Tensor>()
    expectTypeOf<Layout>().toEqualTypeOf<'open_clip' | 'hf' | 'openai' | 'reference-cn' | 'onnx'>()
    expectTypeOf<SaveOptions['dtype']>().toEqualTypeOf<'fp32' | 'fp16' | 'bf16' | 'int8' | undefined>()
  })

  it('of configurations refuse misspelt keys', () => {
    const config: ModelConfig = { embed_dim: 8, vision_cfg: { width: 64, head_width: 32 }, text_cfg: { heads: 2 } }
    // @ts-expect-error an unknown key
    config.vision_cfg.head_widht = 32
    // @ts-expect-error a feature that is not there yet
    config.vision_cfg.pool_type = 'none'
    expectTypeOf(config.text_cfg.heads).toEqualTypeOf<number | undefined>()
  })
})

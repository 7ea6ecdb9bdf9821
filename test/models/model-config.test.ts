/** The types of configurations say what the schemas take. */
import { describe, expectTypeOf, it } from 'vitest'
import type { z } from 'zod'
import type { modelSchema } from '../../lib/models/config.js'
import type {
  BertTextConfig,
  CausalTextConfig,
  EvaConfig,
  ModelConfig,
  SiglipConfig,
  VitConfig,
} from '../../lib/models/model-config.js'
import type { bertSchema } from '../../lib/models/towers/bert.js'
import type { causalSchema } from '../../lib/models/towers/causal.js'
import type { evaSchema } from '../../lib/models/towers/eva.js'
import type { siglipSchema } from '../../lib/models/towers/siglip.js'
import type { vitSchema } from '../../lib/models/towers/vit.js'

/** An intersection or an interface as one plain object. */
type Plain<T> = { [K in keyof T]: T[K] }
type InputOf<Schema extends z.ZodType> = Plain<z.input<Schema>>

describe('ModelConfig', () => {
  it('has the keys and values of the schemas', () => {
    expectTypeOf<Plain<ModelConfig>>().toEqualTypeOf<InputOf<typeof modelSchema>>()
    expectTypeOf<Plain<VitConfig>>().toEqualTypeOf<InputOf<typeof vitSchema>>()
    expectTypeOf<Plain<SiglipConfig>>().toEqualTypeOf<InputOf<typeof siglipSchema>>()
    expectTypeOf<Plain<EvaConfig>>().toEqualTypeOf<InputOf<typeof evaSchema>>()
    expectTypeOf<Plain<CausalTextConfig>>().toEqualTypeOf<InputOf<typeof causalSchema>>()
    type Bert = Plain<Omit<BertTextConfig, 'hf_config'>>
    expectTypeOf<Bert>().toEqualTypeOf<Plain<Omit<z.input<typeof bertSchema>, 'hf_config'>>>()
    expectTypeOf<Plain<BertTextConfig['hf_config']>>().toEqualTypeOf<Plain<z.input<typeof bertSchema>['hf_config']>>()
  })
})

/** How fast this machine multiplies: the products of a training step, or one, by themselves. */
import { z } from 'zod'
import { invalid } from '../base/errors.js'
import { parseOptions, shapeOf } from '../base/options.js'
import { threadsFor } from '../clip/device.js'
import { RUN_OPTIONS } from '../clip/run-options.js'
import type { ModelConfig } from '../models/config.js'
import { describeModel } from '../models/registry.js'
import { resolveModel } from '../models/resolve.js'
import { PRECISIONS, type Precision } from '../native/names.js'
import { PASSES } from '../native/product-rate.js'
import { productRate } from './product-rate.js'
import { type StepProduct, stepProducts } from './step-products.js'

/** What is measured. */
export type BenchGemmOptions = {
  /** Whose products; 'ViT-B-32' by default. */
  model?: string | ModelConfig
  /** 'bf16' by default. */
  precision?: Precision
  /** Pairs per step; 64 by default. */
  batchSize?: number
  /** Of each caption; 20 by default. */
  tokens?: number
  /** As many as the process may keep busy by default. */
  threads?: number
  /** One product [rows, inputs] · [inputs, outputs] instead of a step's; all three or none. */
  rows?: number
  inputs?: number
  outputs?: number
  /** Of that product; 'forward' by default. */
  pass?: 'forward' | 'inputGrad' | 'weightGrad'
}

/** `gflops`: billions of floating-point operations a second, best of several. */
export type MeasuredProduct = StepProduct & { gflops: number; ms: number }

/** What products reach by themselves. */
export type BenchGemmResult = {
  /** Of all of them, each as often as a step multiplies it. */
  gflops: number
  /** What they take a step, in milliseconds. */
  ms: number
  products: MeasuredProduct[]
}

const count = z.int().min(1)
const schema = z.strictObject({
  ...shapeOf({ threads: RUN_OPTIONS.threads }, z),
  precision: z.enum(PRECISIONS).default('bf16'),
  model: z.custom<string | ModelConfig>().default('ViT-B-32'),
  batchSize: count.default(64),
  tokens: count.default(20),
  rows: count.optional(),
  inputs: count.optional(),
  outputs: count.optional(),
  pass: z.enum(PASSES).default('forward'),
})

/**
 * Products on the CPU, with packed weights.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_UNKNOWN_MODEL, ERR_OUT_OF_MEMORY
 */
export async function benchGemm(options: BenchGemmOptions = {}): Promise<BenchGemmResult> {
  const o = parseOptions(schema, options, 'benchGemm')
  const threads = threadsFor(o.threads)
  const products: MeasuredProduct[] = []
  for (const { times, ...product } of productsOf(o)) {
    const { pass, rows, inputs, outputs } = product
    const gflops = await productRate(o.precision, { pass, rows, inputs, outputs, threads })
    products.push({ ...product, times, gflops, ms: (2 * rows * inputs * outputs) / gflops / 1e6 })
  }
  const ms = products.reduce((sum, p) => sum + p.times * p.ms, 0)
  const flops = products.reduce((sum, p) => sum + p.times * 2 * p.rows * p.inputs * p.outputs, 0)
  return { gflops: flops / ms / 1e6, ms, products }
}

function productsOf({ rows, inputs, outputs, pass, ...o }: z.output<typeof schema>): StepProduct[] {
  if (rows !== undefined && inputs !== undefined && outputs !== undefined)
    return [{ name: 'product', pass, rows, inputs, outputs, times: 1 }]
  if (rows !== undefined || inputs !== undefined || outputs !== undefined)
    throw invalid('benchGemm: option "rows": one product is told by rows, inputs and outputs, all three')
  const { config, preprocess } = describeModel(o.model)
  const model = resolveModel(config, preprocess, typeof o.model === 'string' ? o.model : 'the model')
  return stepProducts(model, o.batchSize, o.tokens)
}

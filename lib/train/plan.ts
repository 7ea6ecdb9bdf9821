/** What a training run takes of memory, before there is one. */
import { z } from 'zod'
import { bytesOf, memorySize } from '../base/bytes.js'
import { invalid } from '../base/errors.js'
import { choice, count, onOff, option } from '../base/kinds.js'
import { parseOptions, shapeOf } from '../base/options.js'
import { elementCount } from '../checkpoint/formats/dtypes.js'
import { openSession } from '../clip/device.js'
import { RUN_OPTIONS } from '../clip/run-options.js'
import type { ModelSession } from '../clip/session.js'
import { Distillation } from '../loss/distillation.js'
import { InfoNCE } from '../loss/info-nce.js'
import type { ModelConfig } from '../models/config.js'
import { describeModel } from '../models/registry.js'
import { resolveModel } from '../models/resolve.js'
import type { Device } from '../native/device-name.js'
import type { NativeModel } from '../native/model.js'
import { DISTILLATIONS, type Precision } from '../native/names.js'
import { OPTIMIZERS, type OptimizerName } from '../optim/defaults.js'
import { copiesKept } from '../optim/moments.js'
import { fitShape, type MemoryParts, planShape, type StepShape } from './memory-fit.js'

/** What is to be trained, and how. */
export type PlanOptions = {
  /** A built-in model, or a configuration. */
  model: string | ModelConfig
  /** Pairs of a step, of all ranks together; 64 by default. */
  batchSize?: number
  /** 'fp32' by default. */
  precision?: Precision
  /** What all of it may take on each rank: bytes, or text such as '16G' and '800M' (of 1024 each). */
  memory?: number | string
  /** Processes that share a step's pairs; 1 by default. */
  ranks?: number
  /** Of each caption; the model's whole context by default, more than which none has. */
  tokens?: number
  /** Pairs at a time through the towers; by default what `memory` asks for, or all at once. */
  microBatch?: number
  /** Keep half of the activations and compute the others again; by default what `memory` asks for, or false. */
  checkpointing?: boolean
  /** 'adamw' by default. */
  optimizer?: OptimizerName
  /** A teacher to learn from, a built-in model or a configuration; none by default. */
  distill?: string | ModelConfig
  /** With `distill`: 'logits' by default. */
  distillKind?: 'logits' | 'features'
  /** 'auto' by default. */
  device?: Device
  threads?: number
}

/** Bytes of each rank, and the shape of a step that takes them. */
export type MemoryPlan = MemoryParts &
  StepShape & {
    /** What it runs on. */
    device: string
    /** Pairs of a step on each rank. */
    pairsPerRank: number
    tokens: number
    /** Beside `total`, on the CPU: the copy that is saved while steps go on; where there is no room, steps wait for the disk. */
    savedCopy: number
  }

const declared = {
  batchSize: option(count, { default: 64, help: '' }),
  memory: option(memorySize, { help: '' }),
  ranks: option(count, { default: 1, help: '' }),
  tokens: option(count, { help: '' }),
  microBatch: option(count, { help: '' }),
  checkpointing: option(onOff, { default: false, help: '' }),
  optimizer: option(choice(OPTIMIZERS), { default: 'adamw', help: '' }),
  device: RUN_OPTIONS.device,
  precision: RUN_OPTIONS.precision,
  threads: RUN_OPTIONS.threads,
}

const schema = z.strictObject({
  ...shapeOf(declared, z),
  model: z.custom<string | ModelConfig>(),
  distill: z.custom<string | ModelConfig>().optional(),
  distillKind: z.enum(DISTILLATIONS).default('logits'),
})

/**
 * Asks the engine what a step of this shape takes; its weights are not drawn, and nothing of the step is taken.
 * @throws ClipwrightError ERR_OUT_OF_MEMORY with figures when no micro-batch fits into `memory`, ERR_UNKNOWN_MODEL,
 *   ERR_INVALID_ARGUMENT, ERR_NO_CUDA
 * @example
 * const { total, microBatch } = await planTraining({ model: 'ViT-B-32', batchSize: 4096, precision: 'bf16', memory: '16G' })
 */
export async function planTraining(options: PlanOptions): Promise<MemoryPlan> {
  const o = parseOptions(schema, options, 'planTraining')
  const model = resolved(o.model, 'the model')
  const { contextLength } = model.text
  const tokens = o.tokens ?? contextLength
  if (tokens > contextLength) {
    throw invalid(`planTraining: option "tokens": expected at most the context of ${contextLength}, got ${tokens}`)
  }
  const batch = Math.ceil(o.batchSize / o.ranks)
  const session = await openSession(model, ({ name }) => name, o)
  let teacher: ModelSession | undefined
  try {
    if (o.distill !== undefined) {
      teacher = await openSession(resolved(o.distill, 'the teacher'), ({ name }) => name, { ...o, trainable: false })
    }
    const { microBatch, checkpointing } = o
    const loss = (teacher ? new Distillation({ by: o.distillKind }) : new InfoNCE()).toNative()
    const wanted = { batch, tokens, loss, teacher, copies: copiesKept(o), microBatch, checkpointing }
    const asked = { microBatch: Math.min(microBatch ?? batch, batch), checkpointing }
    const memory = o.memory === undefined ? undefined : bytesOf(o.memory)
    const found =
      memory === undefined
        ? { ...asked, ...(await planShape(session, wanted, asked)) }
        : await fitShape(session, wanted, memory, 'planTraining')
    const { available: _, ...plan } = { available: 0, ...found }
    const parameters = session.parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0)
    const savedCopy = 4 * parameters * (1 + copiesKept(o))
    return { ...plan, device: session.device, pairsPerRank: batch, tokens, savedCopy }
  } finally {
    await teacher?.dispose()
    await session.dispose()
  }
}

function resolved(given: string | ModelConfig, where: string): NativeModel {
  const { config, preprocess } = describeModel(given)
  return resolveModel(config, preprocess, typeof given === 'string' ? given : where)
}

/** What a training run can be told, and what it does when it is not. */

import { z } from 'zod'
import { ClipwrightError } from '../../base/errors.js'
import { parseOptions } from '../../base/options.js'
import { type Precision, runShape } from '../../clip/device.js'
import { type AugmentOptions, type AugmentPolicy, augmentSchema } from '../../image/augment-options.js'
import { RESIZES, type Resize } from '../../image/preprocess-config.js'
import type { ModelConfig } from '../../models/config.js'
import type { Device } from '../../native/device-name.js'
import { type NativePrecision, PRECISIONS, REDUCTIONS } from '../../native/names.js'
import { OPTIMIZERS, type OptimizerName } from '../../optim/defaults.js'
import { isByEpoch, SCHEDULES, type ScheduleKind } from '../schedule.js'
import { foreignOptions, optimizerSettings } from './optimizer.js'
import { PRESET_NAMES, PRESETS, type PresetName } from './presets.js'

/** What `train` can be told. The command line's flags have the same names in kebab-case. */
export type TrainOptions = {
  /**
   * Takes that preset's settings in place of the defaults; an option that is given wins over it, in `--config`, too.
   * 'reference': how the reference system trains (docs/reference.md).
   */
  preset?: PresetName
  /**
   * The training list: JSON `[{ "image": path, "caption": string | string[] }]`, paths relative to it; or Karpathy's JSON, or
   * Chinese-CLIP's folder or texts (see `readCaptionList` in lib/data). Needed, unless `resume`.
   */
  data?: string
  /** The validation list, in the same format; all of its captions are used. */
  val?: string
  /** Of `data`, where its format has splits; 'train' by default. */
  split?: string
  /** Of `val`; 'val' by default. */
  valSplit?: string
  /** Whether lists may name pictures outside their own folder; false by default. */
  absolutePaths?: boolean
  /** A name that `listModels` knows or a configuration; not needed with `load`. */
  model?: string | ModelConfig
  /** A checkpoint to start from instead of random weights. */
  load?: string
  /**
   * Whether `load` must hold every weight of the model and nothing else; true by default. False takes what fits by name
   * and shape, and a warning (`partial_weights`) says how many and which were loaded and which were not.
   */
  strict?: boolean
  /**
   * Names of parameters that stay as they are: `*` stands for any characters, `?` for one, as in `visual.*`. Names are
   * open_clip's.
   */
  freeze?: string[]
  /**
   * With `load`: the epoch to begin with, counted from 0, which is the default. Schedule, order of the samples and
   * numbers of steps and epochs go on as if the earlier ones had been run; the optimizer begins anew.
   */
  startEpoch?: number
  /** The run folder; `runs/` and the time by default. */
  out?: string
  /** Passes over the training list; 30 by default. */
  epochs?: number
  /** Pairs a step; 64 by default. The loss contrasts each pair with all others of its batch. */
  batchSize?: number
  /** Pairs at a time through the towers, in bounded memory, at unchanged mathematics; all at once by default. */
  microBatch?: number
  /** Recompute activations in the backward pass instead of keeping them; false by default. */
  checkpointing?: boolean
  /** The highest learning rate; 5e-4 by default. */
  lr?: number
  /** What the schedule ends at; 0 by default, a hundredth of `lr` with a schedule by epoch. */
  minLr?: number
  /** Fits `lr` and `minLr` to the batch as the reference does: times batchSize / 64, kept within 3e-5 to 1e-4; false by default. */
  fitLr?: boolean
  /** 'adamw' by default. */
  optimizer?: OptimizerName
  /** Of all but sgd; [0.9, 0.98] by default, lion [0.9, 0.99], lamb [0.9, 0.999]. */
  betas?: readonly [number, number]
  /** Of adamw, adam and lamb; 1e-6 by default. */
  eps?: number
  /** Of sgd; 0 by default. */
  momentum?: number
  /** On parameters with at least two dimensions; by default 0.2 with adamw, 0.01 with lamb, else 0. */
  weightDecay?: number
  /** Weight decay on biases, norms and scales, too, as torch.optim has it; false by default. */
  decayAll?: boolean
  /**
   * 'cosine' by default. 'cosine', 'const' and 'const-cooldown' are open_clip's and change the rate with each step;
   * 'epoch-cosine' and 'epoch-step' are the reference's `cos` and `step` and change it once an epoch.
   */
  schedule?: ScheduleKind
  /** Steps in which the learning rate rises to `lr`; a twentieth of the run by default, 2,000 at most. Not by epoch. */
  warmup?: number
  /** Of 'const-cooldown': the last steps, in which the rate falls to `minLr`; a fifth of the run by default. */
  cooldown?: number
  /** Of 'const-cooldown': 1, a straight fall, by default. */
  cooldownPower?: number
  /** Scales gradients down to this norm; never by default. */
  maxGradNorm?: number
  /** 'infonce' by default. */
  loss?: 'infonce'
  /** Of the two cross-entropies: their 'mean' by default, as open_clip, or the 'sum', as the reference. */
  reduction?: 'mean' | 'sum'
  /** Of activations and products; 'fp32' by default. */
  precision?: Precision
  /** 'auto' by default. */
  device?: Device
  /** Draws the weights, the order, the captions and the augmentation; 0 by default. */
  seed?: number
  /** Of the model's own team; as many as the machine has by default. */
  threads?: number
  /** Pictures decoded side by side; 8 by default (libuv's UV_THREADPOOL_SIZE bounds how many really run). */
  workers?: number
  /** Cleans captions by `preCaption` before they are tokenized, those of the validation list, too; false by default. */
  preCaption?: boolean
  /** What is drawn for training pictures; true, which means the policy 'crop', by default. An object changes parts of it. */
  augment?: boolean | AugmentPolicy | Partial<AugmentOptions>
  /**
   * How pictures are fitted to the model's square where they are not augmented: in evaluation, and by whoever loads the
   * checkpoints. By default as the model has it: Chinese-CLIP's 'squash', all other built-in ones 'crop'.
   */
  resize?: Resize
  /** Epochs from one evaluation to the next; 1 by default, 0 only at the end. */
  evalEvery?: number
  /** Epochs from one validation loss to the next, where no evaluation measures it anyway; 0, never, by default. */
  validateEvery?: number
  /** Steps from one checkpoint to the next; the end of each epoch by default. The end of the run is always saved. */
  saveEvery?: number
  /** Steps from one `step` event to the next; 1 by default. */
  logEvery?: number
  /** Checkpoints kept beside `last` and `best`, as `step-N`; 0 by default. */
  keep?: number
  /**
   * Epochs from one set of weights to the next in `weights/`, named by epoch and losses, beside `best_epoch_weights`
   * (of the lowest validation loss) and `last_epoch_weights`; 0, none of them, by default.
   */
  weightsEvery?: number
  /** What those weights are rounded to; 'fp32' by default. */
  weightsDtype?: NativePrecision
  /** A run folder to go on with; options that are not given are the ones it was started with. */
  resume?: string
  /** Removes a run that is in `out`; false by default. */
  overwrite?: boolean
  /** Finishes the step and saves, then rejects with `signal.reason`. */
  signal?: AbortSignal
}

const count = z.int().min(1)
const rate = z.number().min(0)
const path = z.string().min(1)
const beta = z.number().min(0).lt(1)
/** Exported for the test that holds the command line's flags and defaults against it. */
export const trainSchema = z.strictObject({
  preset: z.enum(PRESET_NAMES).optional(),
  data: path.optional(),
  val: path.optional(),
  split: path.optional(),
  valSplit: path.optional(),
  absolutePaths: z.boolean().default(false),
  model: z.union([path, z.record(z.string(), z.unknown())], { error: 'expected a name or a configuration' }).optional(),
  load: path.optional(),
  strict: z.boolean().default(true),
  freeze: z.array(z.string().min(1)).optional(),
  startEpoch: z.int().min(0).default(0),
  out: path.optional(),
  epochs: count.default(30),
  batchSize: count.default(64),
  microBatch: count.optional(),
  checkpointing: z.boolean().default(false),
  lr: rate.default(5e-4),
  minLr: rate.optional(),
  fitLr: z.boolean().default(false),
  optimizer: z.enum(OPTIMIZERS).default('adamw'),
  betas: z.tuple([beta, beta]).readonly().optional(),
  eps: z.number().positive().optional(),
  momentum: beta.optional(),
  weightDecay: rate.optional(),
  decayAll: z.boolean().default(false),
  schedule: z.enum(SCHEDULES).default('cosine'),
  warmup: z.int().min(0).optional(),
  cooldown: z.int().min(0).optional(),
  cooldownPower: z.number().positive().optional(),
  maxGradNorm: z.number().positive().optional(),
  loss: z.enum(['infonce']).default('infonce'),
  reduction: z.enum(REDUCTIONS).default('mean'),
  ...runShape,
  seed: z.int().min(0).default(0),
  workers: count.default(8),
  preCaption: z.boolean().default(false),
  augment: augmentSchema.default(true),
  resize: z.enum(RESIZES).optional(),
  evalEvery: z.int().min(0).default(1),
  validateEvery: z.int().min(0).default(0),
  saveEvery: count.optional(),
  logEvery: count.default(1),
  keep: z.int().min(0).default(0),
  weightsEvery: z.int().min(0).default(0),
  weightsDtype: z.enum(PRECISIONS).default('fp32'),
  resume: path.optional(),
  overwrite: z.boolean().default(false),
  signal: z.instanceof(AbortSignal, { error: 'expected an AbortSignal' }).optional(),
})

/** Options with their defaults. */
export type Settings = Omit<z.output<typeof trainSchema>, 'model'> & { model?: string | ModelConfig; minLr: number }

/** @throws ClipwrightError ERR_INVALID_ARGUMENT naming the option; for an unknown one the nearest is offered */
export function parseTrainOptions(options: unknown): Settings {
  const parsed = parseOptions(trainSchema, withPreset(options), 'train')
  checkBelongTogether(parsed)
  const { data, model, load, resume, out, overwrite, lr } = parsed
  const minLr = parsed.minLr ?? (isByEpoch(parsed.schedule) ? lr / 100 : 0)
  if (resume === undefined) {
    if (data === undefined) throw invalid('option "data": expected the path of a caption list, got nothing')
    if (model === undefined && load === undefined) {
      throw invalid('expected option "model" (a name such as ViT-B-32) or "load" (a checkpoint), got neither')
    }
  } else {
    if (out !== undefined && out !== resume) {
      throw invalid(`option "out": a resumed run stays in its folder ${resume}, got ${out}; leave "out" away`)
    }
    if (overwrite) throw invalid('options "resume" and "overwrite" exclude each other; leave one away')
  }
  checkStartEpoch(parsed as Settings)
  if (minLr > lr) throw invalid(`option "minLr": expected at most lr (${lr}), got ${minLr}`)
  return { ...parsed, ...optimizerSettings(parsed.optimizer, parsed as TrainOptions), minLr } as Settings
}

/** What was given over what its preset says. What is wrong with either is found when all is parsed. */
function withPreset(options: unknown): unknown {
  if (typeof options !== 'object' || options === null) return options
  const preset: TrainOptions | undefined = PRESETS[(options as TrainOptions).preset as PresetName]
  if (preset === undefined) return options
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as TrainOptions
  const all = { ...preset, ...given }
  // Another optimizer does not have all that the preset's has.
  for (const key of foreignOptions(all.optimizer ?? 'adamw', preset)) if (!(key in given)) delete all[key]
  return all
}

function checkBelongTogether(o: z.output<typeof trainSchema>): void {
  const [foreign] = foreignOptions(o.optimizer, o as TrainOptions)
  if (foreign !== undefined) throw invalid(`option "${foreign}": optimizer ${o.optimizer} has none; leave it away`)
  if (o.warmup !== undefined && isByEpoch(o.schedule)) {
    throw invalid(`option "warmup": schedule ${o.schedule} has a warm-up of its own; leave it away`)
  }
  for (const key of ['cooldown', 'cooldownPower'] as const) {
    if (o[key] !== undefined && o.schedule !== 'const-cooldown') {
      throw invalid(`option "${key}": belongs to schedule const-cooldown, and the schedule is ${o.schedule}`)
    }
  }
}

function checkStartEpoch({ startEpoch, epochs, load }: Settings): void {
  if (startEpoch === 0) return
  if (load === undefined) throw invalid('option "startEpoch": expected weights in "load" to go on from, got none')
  if (startEpoch < epochs) return
  throw invalid(`option "startEpoch": expected less than epochs (${epochs}), got ${startEpoch}`)
}

function invalid(what: string): ClipwrightError {
  return new ClipwrightError('ERR_INVALID_ARGUMENT', `train: ${what}.`)
}

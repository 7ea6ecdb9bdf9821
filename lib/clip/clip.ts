/** The model: two towers and a temperature, on one device. */

import { z } from 'zod'
import { isPromise, isUrl } from '../base/brands.js'
import { ClipwrightError } from '../base/errors.js'
import { parseOptions, shapeOf } from '../base/options.js'
import type { Images, Tensor, Tokens } from '../base/types.js'
import type { StoredTensors } from '../checkpoint/formats/safetensors/safetensors.js'
import { activationNote } from '../checkpoint/layouts/openai/activation.js'
import { LAYOUTS, type Layout, publicName, tensorNames } from '../checkpoint/layouts/table.js'
import { type LoadManner, loadWeights } from '../checkpoint/load.js'
import { describeLoad, type LoadReport } from '../checkpoint/load-report.js'
import { openCheckpoint } from '../checkpoint/open.js'
import { pathOfUrl } from '../files/file-url.js'
import { type Fitting, type PreprocessConfig, withFitting } from '../image/preprocess-config.js'
import type { Convert, Interpolation, Resize } from '../image/resizes.js'
import type { Loss } from '../loss/loss.js'
import type { ModelConfig } from '../models/config.js'
import type { Description } from '../models/description.js'
import { describeModel } from '../models/registry.js'
import { defaultTokenizer, resolveModel } from '../models/resolve.js'
import type { Device } from '../native/device-name.js'
import type { Precision } from '../native/names.js'
import { openTokenizer, type TokenizerChoice } from '../tokenizer/choice.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { Batch, BatchOptions } from './batch.js'
import { prepareBatch } from './batch.js'
import { openSession, type RunOptions } from './device.js'
import { type EncodeImagesOptions, type EncodeOptions, encodeInBatches } from './encode.js'
import { callback, encodeShape } from './encode-shape.js'
import { imageBatches } from './images.js'
import { Parameter } from './parameters.js'
import { RUN_OPTIONS } from './run-options.js'
import { type SaveOptions, saveModel } from './save.js'
import { type ModelSession, registerSession } from './session.js'
import { textSource } from './texts.js'

/** Where and how a new model runs. */
export type CreateOptions = {
  /** 'auto' by default: the best there is. */
  device?: Device
  /**
   * 'fp32' by default. With 'bf16' and 'fp16' activations and products have that type; weights, their gradients and the
   * loss stay f32. fp16 is finer than bf16 but ends at 65,504, so its gradients are scaled: see `Optimizer.step`.
   */
  precision?: Precision
  /** Draws the initial weights; 0 by default. */
  seed?: number
  /** Of this model's own team; as many as the machine has by default. */
  threads?: number
  /** How pictures are fitted to its square, kept with its weights; by default as its name or folder says, or 'crop'. */
  resize?: Resize
  /** How pixels in between are made, kept likewise; 'bilinear' for the reference's models, 'bicubic' for all others. */
  interpolation?: Interpolation
  /** When pictures become RGB, kept likewise; 'before' they are resized in the reference and transformers, else 'after'. */
  convert?: Convert
  /** What is seen through transparent pixels, as '#fff', kept likewise; by default the colour that lies below them. */
  background?: string
}

/** What a new model's logits begin with, instead of what its configuration says: the parameters' values. */
export type InitialLogits = {
  /** The logarithm of what similarities are multiplied by; ln(1/0.07) by default. */
  initLogitScale?: number
  /** What is added to logits: a parameter that models for `SigLip` have. */
  initLogitBias?: number
}

/** Where and how a stored model runs, and how exactly the path must hold it. */
export type LoadOptions = CreateOptions & {
  /** The model of the weights, instead of what the path says about them. */
  model?: string | ModelConfig
  /**
   * Which entry of a nested file holds the weights, where there are several: `'teacher'`, `'model.state_dict'`. In a file
   * of plain tensors, what their names begin with.
   */
  key?: string
  /**
   * Whether every weight must be there and nothing else (default). False loads what fits by name and shape; the rest
   * keeps the initial values that `seed` draws. Nothing that fits is an error, and so is under a tenth of a tower's
   * parameters where the file has such a tower.
   */
  strict?: boolean
  /** With `strict: false`: a tower may be left almost random. */
  allowPartial?: boolean
  /** With `strict: false`: is told what was loaded and what was not. Without it a process warning names what was not. */
  onReport?: (report: LoadReport) => void
}

const seedSchema = z.int().min(0).default(0)
const modelShape = shapeOf(RUN_OPTIONS, z)
const createSchema = z.strictObject({
  ...modelShape,
  seed: seedSchema,
  initLogitScale: z.number().optional(),
  initLogitBias: z.number().optional(),
})
const loadSchema = z.strictObject({
  ...modelShape,
  seed: seedSchema,
  model: z.unknown().optional(),
  key: z.string().min(1).optional(),
  strict: z.boolean().default(true),
  allowPartial: z.boolean().default(false),
  onReport: callback<NonNullable<LoadOptions['onReport']>>(),
})
const encodeImagesSchema = z.strictObject({
  ...encodeShape,
  onBadImage: callback<NonNullable<EncodeImagesOptions['onBadImage']>>(),
})
const encodeTextsSchema = z.strictObject({ ...encodeShape, fullContext: z.boolean().default(false) })
const parametersSchema = z.strictObject({ layout: z.enum(LAYOUTS).default('open_clip') })

function warn(report: LoadReport): void {
  const { missing, mismatched, unexpected, resized = [] } = report
  if (missing.length + mismatched.length + unexpected.length + resized.length === 0) return
  process.emitWarning(describeLoad(report), { code: 'CLIPWRIGHT_PARTIAL_WEIGHTS' })
}

function sayResized({ path, resized = [] }: LoadReport): void {
  process.emitWarning(`${path}: ${resized.join('; ')}, as open_clip does.`, { code: 'CLIPWRIGHT_RESIZED_POSITIONS' })
}

/** Hidden from users: models come from `create` and `load`. */
const made = Symbol('made')

/**
 * A CLIP model (https://arxiv.org/abs/2103.00020). Calls queue up on the model's own thread and run in order.
 *
 * @example
 * const clip = await Clip.load('runs/mine/checkpoints/best')
 * const images = await clip.encodeImages(['cat.jpg'])
 * const texts = await clip.encodeTexts(['a cat', 'a dog'])
 * await clip.dispose() // or `await using clip = …` where Node has it (24 or newer)
 */
export class Clip {
  /** As it was given or stored, key for key. */
  readonly config: ModelConfig
  /** How pictures become this model's input. */
  readonly preprocess: PreprocessConfig
  readonly tokenizer: Tokenizer
  /** What runs it: 'cpu', 'cuda:N' or 'reference'. */
  readonly device: string
  /** Of activations and products. */
  readonly precision: Precision
  readonly #session: ModelSession

  /** @internal Use `Clip.create` or `Clip.load`. */
  constructor(token: typeof made, description: Description, session: ModelSession, tokenizer: Tokenizer) {
    if (token !== made) throw new TypeError('A Clip is made by Clip.create or Clip.load.')
    this.config = description.config
    this.preprocess = description.preprocess
    this.tokenizer = tokenizer
    this.device = session.device
    this.precision = session.precision
    this.#session = session
    registerSession(this, session)
  }

  /**
   * A model with random weights, in open_clip's initial distributions.
   * @param model a name that `listModels` knows, an alias, or a configuration
   * @throws ClipwrightError ERR_UNKNOWN_MODEL, ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED, ERR_NO_CUDA, ERR_OUT_OF_MEMORY
   */
  static async create(model: string | ModelConfig, options: CreateOptions & InitialLogits = {}): Promise<Clip> {
    const { seed, initLogitScale, initLogitBias, ...run } = parseOptions(createSchema, options, 'Clip.create')
    const { config, ...rest } = describeModel(model)
    const logits = {
      ...(initLogitScale !== undefined && { init_logit_scale: initLogitScale }),
      ...(initLogitBias !== undefined && { init_logit_bias: initLogitBias }),
    }
    const description = { ...rest, config: { ...config, ...logits } }
    const clip = await Clip.#build(description, defaultTokenizer(description.config), run)
    return clip.#orDispose(clip.#session.call((native) => native.initialize(seed)))
  }

  /**
   * A model from a folder in open_clip's layout (`open_clip_config.json` and `open_clip_model.safetensors`, or the
   * `.index.json` of several files), from a folder of Hugging Face's ChineseCLIPModel (`config.json`), or from one file of weights, which needs `model` unless this library wrote it:
   * safetensors, or PyTorch's `.pt`, `.pth` and `.bin`, of which nothing is run. Those may be a state dict, a checkpoint
   * that holds one (what wrappers put into names is left out), or a TorchScript archive such as OpenAI's. Position
   * embeddings for another size of pictures or context are resized as open_clip does, which a process warning says.
   * @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT, ERR_UNSAFE naming what a PyTorch file wants besides tensors,
   *   ERR_MISMATCH, whose `keys` name every tensor that differs, or the entries of a file that holds several models, ERR_UNKNOWN_MODEL, ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED,
   *   ERR_NO_CUDA, ERR_OUT_OF_MEMORY, ERR_IO
   */
  static async load(path: string | URL, options: LoadOptions = {}): Promise<Clip> {
    const { model, key, strict, allowPartial, seed, onReport, ...run } = parseOptions(loadSchema, options, 'Clip.load')
    const { weights, tokenizer, ...description } = await openCheckpoint(
      isUrl(path) ? pathOfUrl(path, 'Clip.load') : path,
      model as LoadOptions['model'],
      key,
    )
    try {
      const clip = await Clip.#build(description, tokenizer, run)
      const manner = strict ? 'strict' : allowPartial ? 'any' : 'fitting'
      return await clip.#orDispose(clip.#read(weights, manner, seed, onReport ?? warn))
    } finally {
      await weights.close()
    }
  }

  static async #build(
    given: Description,
    choice: TokenizerChoice,
    { resize, interpolation, convert, background, ...run }: RunOptions & Fitting,
  ): Promise<Clip> {
    const fitting = { resize, interpolation, convert, background }
    const description = { ...given, preprocess: withFitting(given.preprocess, fitting) }
    const model = resolveModel(description.config, description.preprocess, 'model')
    const tokenizer = await openTokenizer(choice)
    if (choice.type === 'bert' && choice.vocab && tokenizer.vocabSize > model.text.vocabSize) {
      const message = `${choice.vocab.where} has ${tokenizer.vocabSize} pieces, but the model's vocabulary ${model.text.vocabSize} ids; use the vocabulary that the model was trained with.`
      throw new ClipwrightError('ERR_MISMATCH', message)
    }
    const session = await openSession(model, (parameter) => publicName(parameter, description.config), run)
    return new Clip(made, description, session, tokenizer)
  }

  /** This model once the work on it is done; disposed when it fails. */
  async #orDispose(work: Promise<void>): Promise<Clip> {
    try {
      await work
      return this
    } catch (error) {
      await this.dispose()
      throw error
    }
  }

  /**
   * @param seed draws the values that are left out
   * @param tell is told of them
   */
  async #read(
    weights: StoredTensors,
    manner: LoadManner,
    seed: number,
    tell: (report: LoadReport) => void,
  ): Promise<void> {
    if (manner !== 'strict') await this.#session.call((native) => native.initialize(seed))
    const note = activationNote(weights.entries, this.#session.model, weights.path)
    if (note) process.emitWarning(note, { code: 'CLIPWRIGHT_ACTIVATION' })
    const report = await loadWeights(weights, this.config, this.#session.parameters, manner, (index, values, first) =>
      this.#session.call((native) => native.write({ index, slot: 'value', first, count: values.length, data: values })),
    )
    if (manner !== 'strict') tell(report)
    else if (report.resized) sayResized(report)
  }

  /**
   * Image features [n, embed_dim], of length 1 unless `normalize` is false.
   * @param images a normalised Tensor [n, 3, H, W], Pixels [n, H, W, 3] of the model's size, or one picture or several to decode
   * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_NOT_FOUND and ERR_IMAGE naming the picture, ERR_DISPOSED,
   *   ERR_OUT_OF_MEMORY; `signal.reason` when aborted
   */
  async encodeImages(images: Images, options: EncodeImagesOptions = {}): Promise<Tensor> {
    const o = parseOptions(encodeImagesSchema, options, 'encodeImages')
    this.#session.check()
    const { vision, embedDim } = this.#session.model
    const several = (count: number) => count > o.batchSize
    const source = imageBatches(images, vision, this.preprocess, several, 'encodeImages: images', o.onBadImage)
    return encodeInBatches(source, embedDim, o, async (batch) =>
      batch.count === 0 ? new Float32Array() : this.#session.call((native) => native.encodeImages(batch, o.normalize)),
    )
  }

  /**
   * Text features [n, embed_dim], of length 1 unless `normalize` is false. Texts longer than the context are cut and
   * keep their end token.
   * @param texts a string or several, or rows of ids no longer than the context; each row is read up to its first largest id
   *   by a causal tower, up to its padding by a BERT
   * @param options `fullContext` computes the padding's rows, too: the same features, for measuring
   * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_MISMATCH, ERR_DISPOSED, ERR_OUT_OF_MEMORY; `signal.reason` when
   *   aborted
   */
  async encodeTexts(
    texts: string | readonly string[] | Tokens,
    options: EncodeOptions & { fullContext?: boolean } = {},
  ): Promise<Tensor> {
    const o = parseOptions(encodeTextsSchema, options, 'encodeTexts')
    this.#session.check()
    const { text, embedDim } = this.#session.model
    const source = textSource(
      typeof texts === 'string' ? [texts] : texts,
      this.tokenizer,
      text,
      o.fullContext,
      'encodeTexts: texts',
    )
    return encodeInBatches(source, embedDim, o, (batch) =>
      this.#session.call((native) => native.encodeTexts(batch, o.normalize)),
    )
  }

  /**
   * What similarities are multiplied by to become the model's logits: exp of the parameter `logit_scale`, the inverse of
   * its temperature.
   * @throws ClipwrightError ERR_DISPOSED
   */
  async logitScale(): Promise<number> {
    const scale = this.parameters().find(({ name }) => name === 'logit_scale')!
    const { data } = await scale.read()
    return Math.exp(data[0]!)
  }

  /**
   * All parameters, in the model's order.
   * @param options whose names, and whose way of splitting: 'hf' has q, k and v apart. The model's own by default
   * @throws ClipwrightError ERR_UNSUPPORTED for a layout that this model has not, ERR_DISPOSED
   */
  parameters(options: { layout?: Layout } = {}): Parameter[] {
    const { layout } = parseOptions(parametersSchema, options, 'parameters')
    const { partsOf } = tensorNames(layout, this.config)
    this.#session.check()
    return this.#session.parameters.flatMap((parameter, index) =>
      partsOf(parameter).map((part) => new Parameter(this.#session, index, part)),
    )
  }

  /**
   * The loss of a batch, and its gradients, added to what is there until an optimizer steps.
   * @returns `logitScale`: exp of the parameter, as the batch saw it
   * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_MISMATCH, ERR_NOT_FOUND, ERR_IMAGE, ERR_DISPOSED,
   *   ERR_OUT_OF_MEMORY naming the bytes that the step would need
   */
  async forwardBackward(
    batch: Batch,
    loss: Loss,
    options?: BatchOptions,
  ): Promise<{ loss: number; logitScale: number }> {
    this.#session.check()
    const target = { model: this.#session.model, preprocess: this.preprocess, tokenizer: this.tokenizer }
    const prepared = prepareBatch(target, batch, loss, options, 'forwardBackward')
    // Awaiting a batch that is ready would let the caller change it before the core has copied it.
    const ready = isPromise(prepared) ? await prepared : prepared
    return this.#session.call((native) => native.forwardBackward(ready))
  }

  /**
   * Writes the weights as they are at the time of the call: into a folder that open_clip loads, or into one file when
   * the path ends in .safetensors. What was there before stays until the new is complete on the disk; files in the
   * folder that no such save writes stay where they are.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT when the path holds something else than a model, or files that would be
   *   read together with the new ones, such as `training.safetensors` of a run or another layout's weights (all are
   *   named); ERR_UNSUPPORTED for a layout that the model has not, and for names of other files, such as `m.pt`; ERR_IO, ERR_DISPOSED
   */
  async save(path: string, options: SaveOptions = {}): Promise<void> {
    await saveModel(this, path, options)
  }

  /** Frees everything; calls that wait reject with ERR_DISPOSED, and the one that runs stops after its operation. */
  dispose(): Promise<void> {
    return this.#session.dispose()
  }

  /** `dispose`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }
}

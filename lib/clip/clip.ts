/** The model: two towers and a temperature, on one device. */

import { z } from 'zod'
import { isPromise, isUrl } from '../base/brands.js'
import { ClipwrightError, invalid } from '../base/errors.js'
import { parseOptions } from '../base/options.js'
import type { Images, Tensor, Tokens } from '../base/types.js'
import { LAYOUTS, type Layout } from '../checkpoint/layouts/ids.js'
import { whole } from '../checkpoint/layouts/stored-parts.js'
import { publicName, tensorNames } from '../checkpoint/layouts/table.js'
import { openCheckpoint, openPretrained } from '../checkpoint/open.js'
import { openPair } from '../checkpoint/pair.js'
import { pathOfUrl } from '../files/file-url.js'
import { hubOf } from '../hub/options.js'
import { type Fitting, type PreprocessConfig, withFitting } from '../image/preprocess-config.js'
import type { Loss } from '../loss/loss.js'
import { type ModelChanges, withChanges } from '../models/changes.js'
import type { ModelConfig } from '../models/config.js'
import type { Description } from '../models/description.js'
import { describeModel } from '../models/registry.js'
import { defaultTokenizer, resolveModel } from '../models/resolve.js'
import type { EncodingPrecision } from '../native/names.js'
import { openTokenizer, type TokenizerChoice } from '../tokenizer/choice.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { Batch, BatchOptions } from './batch.js'
import { prepareBatch } from './batch.js'
import { openSession, type RunOptions } from './device.js'
import { type EncodeImagesOptions, type EncodeTextsOptions, encodeInBatches } from './encode.js'
import { encodePictures } from './encode-pictures.js'
import { callback, encodeShape, truncationSchema } from './encode-shape.js'
import { imageBatches } from './images.js'
import { addLora, type LoraOptions, loadLora } from './lora.js'
import { type CreateOptions, createSchema, type InitialLogits, type LoadOptions, loadSchema } from './open-options.js'
import { Parameter } from './parameters.js'
import { readWeights } from './read-weights.js'
import { type SaveOptions, saveModel } from './save.js'
import { type ModelSession, registerSession } from './session.js'
import { textSource } from './texts.js'

const encodeImagesSchema = z.strictObject({
  ...encodeShape,
  onBadImage: callback<NonNullable<EncodeImagesOptions['onBadImage']>>(),
})
const encodeTextsSchema = z.strictObject({
  ...encodeShape,
  fullContext: z.boolean().default(false),
  truncation: truncationSchema,
})
const parametersSchema = z.strictObject({ layout: z.enum(LAYOUTS).default('open_clip') })

type Run = RunOptions & Fitting & ModelChanges

/** @throws ClipwrightError what opening throws, ERR_MISMATCH where a vocabulary is larger than the text tower's */
async function openFittingTokenizer(choice: TokenizerChoice, vocabSize: number): Promise<Tokenizer> {
  const tokenizer = await openTokenizer(choice)
  if (choice.type !== 'bert' || !choice.vocab || tokenizer.vocabSize <= vocabSize) return tokenizer
  const message = `${choice.vocab.where} has ${tokenizer.vocabSize} pieces, but the model's vocabulary ${vocabSize} ids; use the vocabulary that the model was trained with.`
  throw new ClipwrightError('ERR_MISMATCH', message)
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
  readonly precision: EncodingPrecision
  readonly #session: ModelSession

  /** @internal Use `Clip.create` or `Clip.load`. */
  constructor(token: typeof made, description: Description, session: ModelSession, tokenizer: Tokenizer) {
    if (token !== made) throw invalid('A Clip is made by Clip.create or Clip.load.')
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
    return Clip.#build(description, defaultTokenizer(description.config), run, (session) =>
      session.call((native) => native.initialize(seed)),
    )
  }

  /**
   * A model from a folder in open_clip's layout (`open_clip_config.json` and `open_clip_model.safetensors`, or the
   * `.index.json` of several files), from a folder of Hugging Face's CLIPModel or
   * ChineseCLIPModel (`config.json`), or from one file of weights, which needs `model` unless this library wrote it: safetensors, or PyTorch's `.pt`, `.pth` and `.bin`, of which nothing is run. Those may be a state dict, a checkpoint
   * that holds one (what wrappers put into names is left out), or a TorchScript archive such as OpenAI's. Position
   * embeddings for another size of pictures or context are resized as open_clip does, which a process warning says.
   *
   * `hf-hub:owner/name`, with `@revision` where it is not to be `main`, is such a folder on the Hugging Face hub; of a name with
   * `pretrained`, weights that lie there. What is needed of it is fetched into the cache that Python's huggingface_hub shares,
   * checked by its hashes; HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE and HF_HUB_OFFLINE count.
   * @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT, ERR_UNSAFE naming what a PyTorch file wants besides tensors,
   *   ERR_MISMATCH, whose `keys` name every tensor that differs, or the entries of a file that holds several models, ERR_UNKNOWN_MODEL, ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED,
   *   ERR_NO_CUDA, ERR_OUT_OF_MEMORY, ERR_IO
   */
  static async load(path: string | URL, options: LoadOptions = {}): Promise<Clip> {
    const {
      model,
      key,
      text,
      pretrained,
      lora,
      strict,
      allowPartial,
      seed,
      onReport,
      offline,
      cacheDir,
      token,
      ...run
    } = parseOptions(loadSchema, options, 'Clip.load')
    const hub = hubOf({ offline, cacheDir, token })
    if (lora !== undefined && (run.trainable === false || run.precision === 'int8')) {
      const message =
        'Clip.load: options "lora" and "trainable: false" (or precision "int8") exclude each other: adapters are added to weights that can change; merge them with mergeLora and save, and load that.'
      throw new ClipwrightError('ERR_UNSUPPORTED', message)
    }
    const place = isUrl(path) ? pathOfUrl(path, 'Clip.load') : path
    if (pretrained !== undefined && model !== undefined) {
      throw invalid(
        'Clip.load: options "model" and "pretrained" exclude each other: the model is what is loaded; leave one away',
      )
    }
    if (text !== undefined && (model ?? key ?? pretrained) !== undefined) {
      throw invalid(
        'Clip.load: option "text" names a folder that says what it holds: leave out "model", "key" and "pretrained"',
      )
    }
    const open = () => {
      if (text !== undefined) return openPair(place, text)
      if (pretrained !== undefined) return openPretrained(place, pretrained, key, hub)
      return openCheckpoint(place, model as LoadOptions['model'], key, hub)
    }
    const { weights, tokenizer, ...description } = await open()
    try {
      const manner = strict ? 'strict' : allowPartial ? 'any' : 'fitting'
      const clip = await Clip.#build(description, tokenizer, run, (session, config) =>
        readWeights(session, config, weights, { manner, seed, onReport }),
      )
      return lora === undefined ? clip : await clip.#orDispose(loadLora(clip.#session, lora))
    } finally {
      await weights.close()
    }
  }

  /** @param begin gives the session's parameters their values, which takes as long as opening the tokenizer */
  static async #build(
    given: Description,
    choice: TokenizerChoice,
    { resize, interpolation, convert, background, imageSize, contextLength, patchDropout, dropout, ...run }: Run,
    begin: (session: ModelSession, config: ModelConfig) => Promise<void>,
  ): Promise<Clip> {
    const changed = withChanges(given, { imageSize, contextLength, patchDropout, dropout }, 'model')
    const preprocess = withFitting(changed.preprocess, { resize, interpolation, convert, background })
    const description = { config: changed.config, preprocess }
    const model = resolveModel(description.config, description.preprocess, 'model')
    const session = await openSession(model, (parameter) => publicName(parameter, description.config), run)
    const [begun, opened] = await Promise.allSettled([
      begin(session, description.config),
      openFittingTokenizer(choice, model.text.vocabSize),
    ])
    if (begun.status === 'fulfilled' && opened.status === 'fulfilled') {
      return new Clip(made, description, session, opened.value)
    }
    await session.dispose()
    throw opened.status === 'rejected' ? opened.reason : (begun as PromiseRejectedResult).reason
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
   * Image features [n, embed_dim], of length 1 unless `normalize` is false.
   * @param images a normalised Tensor [n, 3, H, W], Pixels [n, H, W, 3] of the model's size, or one picture or several to decode
   * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_NOT_FOUND and ERR_IMAGE naming the picture, ERR_DISPOSED,
   *   ERR_OUT_OF_MEMORY; `signal.reason` when aborted
   */
  async encodeImages(images: Images, options: EncodeImagesOptions = {}): Promise<Tensor> {
    const o = parseOptions(encodeImagesSchema, options, 'encodeImages')
    this.#session.check()
    const { vision } = this.#session.model
    const several = (count: number) => count > o.batchSize
    const source = imageBatches(images, vision, this.preprocess, several, 'encodeImages: images', o.onBadImage)
    return encodePictures(this.#session, source, o)
  }

  /**
   * Text features [n, embed_dim], of length 1 unless `normalize` is false. Texts longer than the context are cut and
   * keep their end token, or refused.
   * @param texts a string or several, or rows of ids no longer than the context; each row is read up to the pooled id (its
   *   first largest) by a causal tower, up to its padding by a BERT, and whole by a tower without a mask
   * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_MISMATCH, ERR_DISPOSED, ERR_OUT_OF_MEMORY; `signal.reason` when
   *   aborted
   */
  async encodeTexts(texts: string | readonly string[] | Tokens, options: EncodeTextsOptions = {}): Promise<Tensor> {
    const o = parseOptions(encodeTextsSchema, options, 'encodeTexts')
    this.#session.check()
    const { text, embedDim } = this.#session.model
    const source = textSource(
      typeof texts === 'string' ? [texts] : texts,
      this.tokenizer,
      text,
      o.fullContext,
      'encodeTexts: texts',
      o.truncation,
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
    const { own } = this.#session
    return this.#session.parameters.flatMap((parameter, index) =>
      (index < own.length ? partsOf(parameter) : [whole(parameter, parameter.publicName)]).map(
        (part) => new Parameter(this.#session, index, part),
      ),
    )
  }

  /**
   * Adds low-rank adapters to the projections of the towers' blocks: W + alpha / rank · B · A in place of W. From then on
   * they alone learn, under the names NAME.lora_A and NAME.lora_B; optimizers that were made before are of no use any more.
   * `save` writes the model with what they add, or with `layout: 'lora'` them alone.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED for a model that only encodes, ERR_DISPOSED
   * @example
   * clip.addLora({ rank: 8 })
   * const optimizer = new AdamW(clip, { lr: 2e-4, weightDecay: 0 })
   */
  addLora(options: LoraOptions): void {
    addLora(this.#session, options)
  }

  /**
   * Makes what the adapters add part of the weights, which changes no bit of what the model computes. What learned before
   * `addLora` learns again.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT without adapters, ERR_DISPOSED, ERR_OUT_OF_MEMORY
   */
  mergeLora(): Promise<void> {
    return this.#session.mergeAdapters()
  }

  /**
   * The loss of a batch, and its gradients, added to what is there until an optimizer steps.
   * @returns `logitScale`: exp of the parameter, as the batch saw it
   * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_MISMATCH, ERR_NOT_FOUND, ERR_IMAGE, ERR_DISPOSED,
   *   ERR_UNSUPPORTED for a model that only encodes, ERR_OUT_OF_MEMORY naming the bytes that the step would need
   */
  async forwardBackward(
    batch: Batch,
    loss: Loss,
    options?: BatchOptions,
  ): Promise<{ loss: number; logitScale: number }> {
    this.#session.requireTraining('forwardBackward')
    const target = { model: this.#session.model, preprocess: this.preprocess, tokenizer: this.tokenizer }
    const prepared = prepareBatch(target, batch, loss, options, 'forwardBackward')
    // Awaiting a batch that is ready would let the caller change it before the core has copied it.
    const ready = isPromise(prepared) ? await prepared : prepared
    return this.#session.call((native) => native.forwardBackward(ready))
  }

  /**
   * Writes the weights as they are at the time of the call: into a folder that open_clip loads (or another library, by
   * `layout`), or into one file when the path ends in .safetensors. What was there before stays until the new is complete on the disk; files in the
   * folder that no such save writes stay where they are.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT when the path holds something else than a model (one file: weights that clipwright wrote), or files that would be
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

/** What `Clip.create` and `Clip.load` are told. */
import { z } from 'zod'
import { shapeOf } from '../base/options.js'
import type { LoadReport } from '../checkpoint/load-report.js'
import { HUB_SHAPE } from '../hub/options.js'
import type { HubOptions } from '../hub/settings.js'
import type { Convert, Interpolation, Resize } from '../image/resizes.js'
import type { ModelConfig } from '../models/config.js'
import type { Device } from '../native/device-name.js'
import { ENCODING_PRECISIONS, type EncodingPrecision, type Precision } from '../native/names.js'
import { callback } from './encode-shape.js'
import { CHANGE_OPTIONS, RUN_OPTIONS } from './run-options.js'

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
  /** Of this model's own team; as many as the process may keep busy by default. */
  threads?: number
  /** How pictures are fitted to its square, kept with its weights; by default as its name or folder says, or 'crop'. */
  resize?: Resize
  /** How pixels in between are made, kept likewise; 'bilinear' for the reference's models, 'bicubic' for all others. */
  interpolation?: Interpolation
  /** When pictures become RGB, kept likewise; 'before' they are resized in the reference and transformers, else 'after'. */
  convert?: Convert
  /** What is seen through transparent pixels, as '#fff', kept likewise; by default the colour that lies below them. */
  background?: string
  /** Side of its pictures in pixels, a multiple of the patches' side, instead of the model's own; kept likewise. */
  imageSize?: number
  /** Tokens of a caption at most, instead of the model's own; kept likewise. */
  contextLength?: number
  /** Share of each picture's patches that `train` leaves out, instead of the model's own; kept likewise. */
  patchDropout?: number
  /** Rate of dropout in training, in place of both rates of a BERT-like text tower; kept likewise. */
  dropout?: number
}

/** What a new model's logits begin with, instead of what its configuration says: the parameters' values. */
export type InitialLogits = {
  /** The logarithm of what similarities are multiplied by; ln(1/0.07) by default. */
  initLogitScale?: number
  /** What is added to logits: a parameter that models for `SigLip` have. */
  initLogitBias?: number
}

/** Where and how a stored model runs, and how exactly the path must hold it. */
export type LoadOptions = Omit<CreateOptions, 'precision'> &
  HubOptions & {
    /**
     * 'fp32' by default, 'bf16' or 'fp16' as in `Clip.create`; or 'int8', to encode alone: products of weights and activations
     * that are rounded to 8 bits, with a scale for each output of a weight and one for each row of activations.
     */
    precision?: EncodingPrecision
    /**
     * Which of open_clip's weights of a built-in model: `Clip.load('ViT-B-32', { pretrained: 'laion2b_s34b_b79k' })`. The model has
     * the activation and the preprocessing that they were trained with. `listPretrained` knows them.
     */
    pretrained?: string
    /** The model of the weights, instead of what the path says about them. */
    model?: string | ModelConfig
    /**
     * Which entry of a nested file holds the weights, where there are several: `'teacher'`, `'model.state_dict'`. In a file
     * of plain tensors, what their names begin with.
     */
    key?: string
    /**
     * The folder of a text tower (transformers' `CLIPTextModelWithProjection`), where the path is that of an image tower
     * (`CLIPVisionModelWithProjection`) and each lies alone, as in `image_encoder/` and `text_encoder/` of pipelines. They have
     * no `logit_scale`: it is ln 100, where CLIP's training leaves it.
     */
    text?: string
    /**
     * Whether every weight must be there and nothing else (default). False loads what fits by name and shape; the rest
     * keeps the initial values that `seed` draws. Nothing that fits is an error, and so is under a tenth of a tower's
     * parameters where the file has such a tower.
     */
    strict?: boolean
    /**
     * Whether it can be trained (default, unless the precision is 'int8'). With false it only encodes: it holds each weight once, in `precision`, without
     * gradients, and all that trains is ERR_UNSUPPORTED. What it encodes to is the same.
     */
    trainable?: boolean
    /** A folder of adapters (`layout: 'lora'`, or peft's) that are added to the weights as by `addLora`. */
    lora?: string
    /** With `strict: false`: a tower may be left almost random. */
    allowPartial?: boolean
    /** With `strict: false`: is told what was loaded and what was not. Without it a process warning names what was not. */
    onReport?: (report: LoadReport) => void
  }

const seedSchema = z.int().min(0).default(0)
/** New models that only encode, with random weights, are of use to measurements alone: `CreateOptions` does not tell of them. */
const modelShape = {
  ...shapeOf({ ...RUN_OPTIONS, ...CHANGE_OPTIONS }, z),
  precision: z.enum(ENCODING_PRECISIONS).default('fp32'),
  trainable: z.boolean().optional(),
}
export const createSchema = z.strictObject({
  ...modelShape,
  seed: seedSchema,
  initLogitScale: z.number().optional(),
  initLogitBias: z.number().optional(),
})
export const loadSchema = z.strictObject({
  ...modelShape,
  seed: seedSchema,
  model: z.unknown().optional(),
  key: z.string().min(1).optional(),
  text: z.string().min(1).optional(),
  pretrained: z.string().min(1).optional(),
  ...HUB_SHAPE,
  lora: z.string().min(1).optional(),
  strict: z.boolean().default(true),
  allowPartial: z.boolean().default(false),
  onReport: callback<NonNullable<LoadOptions['onReport']>>(),
})

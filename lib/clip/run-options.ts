/** The options that say where and how a model runs, for all that run one. */
import type { z } from 'zod'
import { type CheckedKind, choice, count, onOff, option, share, wholeNumber } from '../base/kinds.js'
import { COLOUR, COLOUR_EXPECTED } from '../image/colour.js'
import type { Fitting } from '../image/preprocess-config.js'
import { CONVERTS, INTERPOLATIONS, RESIZES } from '../image/resizes.js'
import type { ModelChanges } from '../models/changes.js'
import { DEVICE, type Device } from '../native/device-name.js'
import { ENCODING_PRECISIONS, PRECISIONS } from '../native/names.js'

export const MAX_THREADS = 1024

const isDevice = (text: string): text is Device => DEVICE.test(text)

const device: CheckedKind<Device> = {
  flag: {
    value: '<device>',
    expected: 'auto, cpu, cuda or cuda:N',
    read: (text) => (isDevice(text) ? text : undefined),
  },
  schema: (zod) => zod.string().regex(DEVICE, "expected 'auto', 'cpu', 'cuda' or 'cuda:N'") as z.ZodType<Device>,
}

const colour: CheckedKind<string> = {
  flag: {
    value: '<colour>',
    expected: 'a colour such as #fff or #ffffff',
    read: (text) => (COLOUR.test(text) ? text : undefined),
  },
  schema: (zod) => zod.string().regex(COLOUR, { error: COLOUR_EXPECTED }),
}

/** How pictures become the model's input, where that is not as the model has it. */
export const FITTING_OPTIONS = {
  resize: option(choice(RESIZES), {
    otherwise: 'as the model has it',
    value: '<way>',
    help: 'pictures to squares in evaluation',
  }),
  interpolation: option(choice(INTERPOLATIONS), {
    otherwise: 'as the model has it',
    value: '<kind>',
    help: 'pixels in between, of crops',
  }),
  convert: option(choice(CONVERTS), {
    otherwise: 'as the model has it',
    value: '<when>',
    help: 'whether pictures become RGB before or after they are resized',
  }),
  background: option(colour, {
    otherwise: 'the colour below them',
    help: 'what is seen through transparent pixels',
  }),
}

/** Those of them that are given, out of whatever options they stand among. */
export function fittingOf({ resize, interpolation, convert, background }: Fitting): Fitting {
  return {
    ...(resize !== undefined && { resize }),
    ...(interpolation !== undefined && { interpolation }),
    ...(convert !== undefined && { convert }),
    ...(background !== undefined && { background }),
  }
}

/** What of a model differs from what its name or folder says. */
export const CHANGE_OPTIONS = {
  imageSize: option(count, {
    value: '<pixels>',
    otherwise: 'as the model has it',
    help: 'side of its pictures; positions are interpolated',
  }),
  contextLength: option(count, {
    value: '<tokens>',
    otherwise: 'as the model has it',
    help: 'tokens of a caption at most; positions are interpolated',
  }),
  patchDropout: option(share, {
    value: '<share>',
    otherwise: 'as the model has it',
    help: "share of each picture's patches that training leaves out",
  }),
  dropout: option(share, {
    value: '<rate>',
    otherwise: 'as the model has it',
    help: 'rate of dropout in training, in a BERT-like text tower',
  }),
}

/** Those of them that are given, out of whatever options they stand among. */
export function changesOf({ imageSize, contextLength, patchDropout, dropout }: ModelChanges): ModelChanges {
  return {
    ...(imageSize !== undefined && { imageSize }),
    ...(contextLength !== undefined && { contextLength }),
    ...(patchDropout !== undefined && { patchDropout }),
    ...(dropout !== undefined && { dropout }),
  }
}

/** Of whatever may fetch a model from a hub. */
export const OFFLINE = option(onOff, {
  help: 'download nothing: take models of a hub from the cache (also HF_HUB_OFFLINE=1)',
})

/** Of a model that only encodes. */
export const ENCODING_PRECISION = option(choice(ENCODING_PRECISIONS), {
  default: 'fp32',
  value: '<type>',
  help: 'type of activations and products; int8 rounds both to 8 bits, with scales',
})

export const RUN_OPTIONS = {
  device: option(device, { default: 'auto', help: 'auto, cpu, cuda or cuda:N' }),
  precision: option(choice(PRECISIONS), {
    default: 'fp32',
    value: '<type>',
    help: 'type of activations and products',
  }),
  threads: option(wholeNumber(1, MAX_THREADS), {
    otherwise: 'as many as the process may keep busy',
    help: 'threads of the model',
  }),
  ...FITTING_OPTIONS,
}

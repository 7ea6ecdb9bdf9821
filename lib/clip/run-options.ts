/** The options that say where and how a model runs, for all that run one. */
import type { z } from 'zod'
import { type CheckedKind, choice, option, wholeNumber } from '../base/kinds.js'
import { RESIZES } from '../image/resizes.js'
import { DEVICE, type Device } from '../native/device-name.js'
import { PRECISIONS } from '../native/names.js'

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

export const RUN_OPTIONS = {
  device: option(device, { default: 'auto', help: 'auto, cpu, cuda or cuda:N' }),
  precision: option(choice(PRECISIONS), {
    default: 'fp32',
    value: '<type>',
    help: 'type of activations and products',
  }),
  threads: option(wholeNumber(1, MAX_THREADS), {
    otherwise: 'as many as the machine has',
    help: 'threads of the model',
  }),
  resize: option(choice(RESIZES), {
    otherwise: 'as the model has it',
    value: '<way>',
    help: 'pictures to squares in evaluation',
  }),
}

/** Options that several commands share, and the reading of their values. A bad value is wrong usage. */

import { type Command, InvalidArgumentError, Option } from 'commander'
import type { LoadOptions } from '../clip/clip.js'
import { RESIZES, type Resize } from '../image/preprocess-config.js'
import { DEVICE, type Device } from '../native/device-name.js'
import { type NativePrecision, PRECISIONS } from '../native/names.js'

export function wholeNumber(value: string): number {
  return atLeast(0, value)
}

export function positiveNumber(value: string): number {
  return atLeast(1, value)
}

function atLeast(least: number, value: string): number {
  const x = Number(value)
  if (value.trim() === '' || !Number.isSafeInteger(x) || x < least)
    throw new InvalidArgumentError(`Expected a whole number of at least ${least}.`)
  return x
}

export function decimal(value: string): number {
  const x = Number(value)
  if (value.trim() === '' || !Number.isFinite(x)) throw new InvalidArgumentError('Expected a number.')
  return x
}

export function deviceName(value: string): string {
  if (!DEVICE.test(value)) throw new InvalidArgumentError('Expected auto, cpu, cuda or cuda:N.')
  return value
}

export const collect = (value: string, before: string[] | undefined) => [...(before ?? []), value]

/** How a model is run: what `Clip.load` and `Clip.create` take. */
export type RunFlags = {
  device?: Device
  precision?: NativePrecision
  threads?: number
  resize?: Resize
  architecture?: string
}

export function addRunOptions(command: Command): Command {
  return command
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', deviceName, 'auto')
    .addOption(new Option('--precision <type>', 'type of activations and products').choices(PRECISIONS).default('fp32'))
    .option('--threads <n>', 'threads of the model (default: as many as the machine has)', positiveNumber)
    .addOption(
      new Option('--resize <way>', 'pictures to squares in evaluation (default: as the model has it)').choices(RESIZES),
    )
}

/** As `Clip.load` takes them. */
export function runOptions({ device, precision, threads, resize, architecture }: RunFlags): LoadOptions {
  return {
    ...(device && { device }),
    ...(precision && { precision }),
    ...(threads && { threads }),
    ...(resize && { resize }),
    ...(architecture && { model: architecture }),
  }
}

export const JSON_OPTION = ['--json', 'print one JSON document on stdout, and nothing else there'] as const
export const MODEL_OPTION = ['--model <path>', 'a checkpoint folder or a file of weights'] as const
export const ARCHITECTURE_OPTION = [
  '--architecture <name>',
  'the built-in model whose weights a file holds, where it does not say',
] as const

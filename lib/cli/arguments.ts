/** Options that several commands share, and the reading of their values. A bad value is wrong usage. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { count, rate, texts, wholeNumber as wholeNumberFrom } from '../base/kinds.js'
import type { ValueOf } from '../base/option.js'
import type { LoadOptions } from '../clip/open-options.js'
import { CHANGE_OPTIONS, changesOf, ENCODING_PRECISION, fittingOf, OFFLINE, RUN_OPTIONS } from '../clip/run-options.js'
import { TRUNCATIONS, type Truncation } from '../tokenizer/truncation.js'
import { addOptions, reading } from './flags.js'

export const wholeNumber = reading(wholeNumberFrom(0))
export const positiveNumber = reading(count)

/** Several between commas. */
export function positiveNumbers(text: string): number[] {
  return text.split(',').map((one) => positiveNumber(one))
}

export const decimal = reading(rate)
export const deviceName = reading(RUN_OPTIONS.device.kind)
export const collect = reading(texts)

/** Where a drawing goes: its ending says which kind it is. */
export function picturePath(path: string): string {
  if (!/.\.(png|svg)$/i.test(path)) throw new InvalidArgumentError('Expected a name that ends in .png or .svg.')
  return path
}

const ENCODING_OPTIONS = { ...RUN_OPTIONS, precision: ENCODING_PRECISION }

/** How a model is run: what `Clip.load` and `Clip.create` take. */
export type RunFlags = { [K in keyof typeof ENCODING_OPTIONS]?: ValueOf<(typeof ENCODING_OPTIONS)[K]> } & {
  architecture?: string
  key?: string
  pretrained?: string
  offline?: boolean
  imageSize?: number
  contextLength?: number
}

const { imageSize, contextLength } = CHANGE_OPTIONS

/** Of commands that encode pictures with one model. */
export function addImageSize(command: Command): Command {
  return addOptions(command, { imageSize })
}

/** Of commands that encode pictures and texts with one model. */
export function addSizes(command: Command): Command {
  return addOptions(command, { imageSize, contextLength })
}

/** As `encodeTexts` has it. */
export type TruncationFlag = { truncation?: Truncation }

export function addTruncation(command: Command): Command {
  const help = 'texts longer than the context: cut them, or end with an error (default: cut)'
  return command.addOption(new Option('--truncation <way>', help).choices(TRUNCATIONS))
}

export function addRunOptions(command: Command): Command {
  return addOptions(command.option(...PRETRAINED_OPTION).option(...OFFLINE_OPTION), ENCODING_OPTIONS)
}

/** As `Clip.load` takes them. */
export function runOptions(given: RunFlags): LoadOptions {
  const { device, precision, threads, architecture, key, pretrained, offline, ...flags } = given
  return {
    ...fittingOf(flags),
    ...changesOf(flags),
    ...(device && { device }),
    ...(precision && { precision }),
    ...(threads && { threads }),
    ...(architecture && { model: architecture }),
    ...(key && { key }),
    ...(pretrained && { pretrained }),
    ...(offline && { offline }),
  }
}

export const JSON_OPTION = ['--json', 'print one JSON document on stdout, and nothing else there'] as const
export const MODEL_OPTION = [
  '--model <path>',
  'a checkpoint folder, a file of weights, hf-hub:owner/name[@revision], or with --pretrained a built-in model',
] as const
export const PRETRAINED_OPTION = [
  '--pretrained <tag>',
  "which of open_clip's weights of a built-in --model; clipwright models lists them",
] as const
export const OFFLINE_OPTION = ['--offline', OFFLINE.help] as const
export const ARCHITECTURE_OPTION = [
  '--architecture <name>',
  'the built-in model whose weights a file holds, where it does not say',
] as const
export const KEY_OPTION = ['--key <name>', 'which entry of a file of several models holds the weights'] as const
export const TEMPLATES_OPTION = [
  '--templates <name|text>',
  'sentences around each name: simple (7, the default), imagenet (80), or a text with {} for the name, which may be repeated',
] as const

/** Whether a run's steps fit into memory, and in which shape, asked before its folder is made. */
import { bytesOf } from '../base/bytes.js'
import { ClipwrightError } from '../base/errors.js'
import { optionName } from '../base/option-names.js'
import type { Clip } from '../clip/clip.js'
import { sessionOf } from '../clip/session.js'
import { makeLoss } from '../loss/table.js'
import { copiesKept } from '../optim/moments.js'
import type { Note } from './events.js'
import { fitShape, mib, planShape, planTeacher, type StepShape, type Wanted } from './memory-fit.js'
import type { Settings } from './options/options.js'
import type { Teacher } from './teacher.js'

/** Of a caption: no batch has shorter ones, so what does not fit with these never will. */
const FEWEST_TOKENS = 2

/**
 * The shape of a run's steps within `memory`, whatever captions come; as it was asked for without that option. The model is
 * there, its optimizer is not.
 * @throws ClipwrightError ERR_OUT_OF_MEMORY with what a step takes and what it may
 */
export async function fitSteps(
  clip: Clip,
  settings: Settings,
  teacher: Teacher | undefined,
): Promise<{ shape: Partial<StepShape>; notes: Note[] }> {
  if (settings.memory === undefined) return { shape: {}, notes: [] }
  const memory = bytesOf(settings.memory)!
  const session = sessionOf(clip, 'train')
  const wanted = wantedBy(settings, session.model.text.contextLength, teacher)
  const { microBatch, checkpointing, total } = await fitShape(session, wanted, memory, 'train')
  const changed = microBatch !== (settings.microBatch ?? settings.batchSize) || checkpointing !== settings.checkpointing
  if (!changed) return { shape: {}, notes: [] }
  const how = `${microBatch} pairs at a time${checkpointing ? ', with checkpointing' : ''}`
  const message = `steps go through the towers ${how}: so they take ${mib(total)} of the ${mib(memory)} in ${optionName('memory', 'memory')}.`
  return { shape: { microBatch, checkpointing }, notes: [{ code: 'memory', message }] }
}

/**
 * The model is there and its optimizer, so what is free is left for gradients and a step.
 * @throws ClipwrightError ERR_OUT_OF_MEMORY with what a step takes and what is free
 */
export async function requireRoomForSteps(clip: Clip, settings: Settings, teacher: Teacher | undefined): Promise<void> {
  const { batchSize, microBatch, checkpointing } = settings
  const session = sessionOf(clip, 'train')
  const shape = { microBatch: microBatch ?? batchSize, checkpointing }
  const wanted = wantedBy(settings, FEWEST_TOKENS, teacher)
  const { gradients, activations, available } = await planShape(session, wanted, shape)
  // Its weights are there already.
  const its = teacher && (await planTeacher(teacher.session, shape.microBatch, FEWEST_TOKENS, wanted.loss))
  const step = gradients + activations + (its?.features ?? 0)
  if (step <= available) return
  const ways = [
    `a smaller ${optionName('microBatch')}`,
    ...(checkpointing ? [] : [optionName('checkpointing')]),
    `a smaller ${optionName('batchSize')}`,
  ]
  const message = `train: a step of ${batchSize} pairs takes at least ${mib(step)} beside the model, but ${mib(available)} are free on ${clip.device}; use ${ways.slice(0, -1).join(', ')} or ${ways.at(-1)}.`
  throw new ClipwrightError('ERR_OUT_OF_MEMORY', message)
}

/** All that a run's steps take, whatever captions come. @throws ClipwrightError ERR_DISPOSED */
export async function plannedBytes(clip: Clip, settings: Settings, teacher: Teacher | undefined): Promise<number> {
  const { batchSize, microBatch, checkpointing } = settings
  const session = sessionOf(clip, 'train')
  const shape = { microBatch: microBatch ?? batchSize, checkpointing }
  const { total } = await planShape(session, wantedBy(settings, session.model.text.contextLength, teacher), shape)
  return total
}

function wantedBy(settings: Settings, tokens: number, teacher: Teacher | undefined): Wanted {
  const { batchSize: batch, microBatch, checkpointing } = settings
  const loss = makeLoss(settings).toNative()
  return { batch, tokens, loss, teacher: teacher?.session, copies: copiesKept(settings), microBatch, checkpointing }
}

/** Which micro-batch lets a step fit into memory: the first of a row of shapes, the fastest first, by the engine's own plan. */
import { ClipwrightError } from '../base/errors.js'
import type { ModelSession } from '../clip/session.js'
import type { NativeLoss } from '../native/batch.js'

/** Bytes by what they are for. */
export type MemoryParts = {
  /** Values, their copies in the precision of training, and those that the CPU keeps packed. */
  weights: number
  gradients: number
  /** The optimizer's, with moving averages. */
  moments: number
  /** What a step takes besides: activations, features, workspaces. */
  activations: number
  /** With a teacher: its weights, and what it takes to encode the pairs that pass through the towers at a time. */
  teacher?: number
  total: number
}

/** `available`: free on the device now. */
type Planned = MemoryParts & { available: number }

/** How a step goes through the towers: so many pairs at a time, and whether blocks are computed again in the backward pass. */
export type StepShape = { microBatch: number; checkpointing: boolean }

export type Wanted = {
  /** Pairs of a step on one device. */
  batch: number
  /** Of each caption. */
  tokens: number
  loss: NativeLoss
  /** Who makes features of the same pairs. */
  teacher?: ModelSession | undefined
  /** f32 copies that the optimizer keeps of what learns. */
  copies: number
  /** What is asked for stays as it is. */
  microBatch?: number | undefined
  checkpointing: boolean
}

/** @throws ClipwrightError what the engine can be wrong with, ERR_DISPOSED */
export async function planShape(session: ModelSession, w: Wanted, shape: StepShape): Promise<Planned> {
  const { batch, tokens, loss, copies, teacher } = w
  const { microBatch, checkpointing } = shape
  const teacherDim = teacher?.model.embedDim ?? 0
  const whole = { batch, tokens, loss, microBatch: microBatch < batch ? microBatch : 0, checkpointing, teacherDim }
  const plan = await session.call((native) => native.plan(whole))
  const weights = plan.parameters - plan.gradients
  const moments = copies * plan.gradients
  const own = weights + plan.gradients + moments + plan.step
  const parts = { weights, gradients: plan.gradients, moments, activations: plan.step, available: plan.available }
  if (!teacher) return { ...parts, total: own }
  const its = await planTeacher(teacher, microBatch, tokens, loss)
  return { ...parts, teacher: its.weights + its.features, total: own + its.weights + its.features }
}

/** What a model that only encodes takes: its weights, and features of so many pairs at a time. */
export async function planTeacher(
  teacher: ModelSession,
  batch: number,
  tokens: number,
  loss: NativeLoss,
): Promise<{ weights: number; features: number }> {
  const { contextLength } = teacher.model.text
  const shape = { batch, tokens: Math.min(tokens, contextLength), microBatch: 0, checkpointing: false, teacherDim: 0 }
  const { parameters, step } = await teacher.call((native) => native.plan({ ...shape, loss }))
  return { weights: parameters, features: step }
}

/**
 * @param memory what all of it may take, in bytes
 * @throws ClipwrightError ERR_OUT_OF_MEMORY with figures when no shape fits
 */
export async function fitShape(
  session: ModelSession,
  w: Wanted,
  memory: number,
  where: string,
): Promise<StepShape & MemoryParts> {
  let least: (StepShape & MemoryParts) | undefined
  for (const shape of shapesOf(w)) {
    const found = { ...shape, ...(await planShape(session, w, shape)) }
    if (found.total <= memory) return found
    if (least === undefined || found.total < least.total) least = found
  }
  throw tooLarge(least!, w, memory, where)
}

/**
 * A whole batch, then one of which parts are computed twice, which takes an eighth more time, then halves of it, of which each
 * goes through the towers twice, which takes a third more; both together last.
 */
function* shapesOf({ batch, microBatch: given, checkpointing: asked }: Wanted): Generator<StepShape> {
  const choices = asked ? [true] : [false, true]
  if (given !== undefined) {
    for (const checkpointing of choices) yield { microBatch: Math.min(given, batch), checkpointing }
    return
  }
  for (const checkpointing of choices) yield { microBatch: batch, checkpointing }
  for (const checkpointing of choices)
    for (let half = Math.ceil(batch / 2); ; half = Math.ceil(half / 2)) {
      yield { microBatch: half, checkpointing }
      if (half === 1) break
    }
}

function tooLarge(least: StepShape & MemoryParts, w: Wanted, memory: number, where: string): ClipwrightError {
  const { weights, gradients, moments, activations, teacher, total, microBatch, checkpointing } = least
  const how = `with micro-batches of ${microBatch}${checkpointing ? ' and checkpointing' : ''}`
  const message = `${where}: a step of ${w.batch} pairs takes at least ${mib(total)} ${how} (weights ${mib(weights)}, gradients ${mib(gradients)}, moments ${mib(moments)}, activations ${mib(activations)}${teacher === undefined ? '' : `, the teacher ${mib(teacher)}`}), but ${mib(memory)} are allowed; take a smaller batch or model, a precision of 16 bits, or let less of it learn.`
  return new ClipwrightError('ERR_OUT_OF_MEMORY', message)
}

export function mib(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`
}

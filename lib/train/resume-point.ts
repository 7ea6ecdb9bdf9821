/** The checkpoint that a run goes on from. */
import { existsSync } from 'node:fs'
import { readdir, rename } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ClipwrightError } from '../base/errors.js'
import type { Tensor } from '../base/types.js'
import { fileSystem } from '../files/append-file.js'
import type { OptimizerState } from '../optim/optimizer.js'
import { keepAs, LAST } from './checkpoints.js'
import type { Note } from './events.js'
import { CHECKPOINTS } from './run-names.js'
import { readState, type TrainingState } from './state.js'
import { digestOf, WEIGHTS_NAME } from './weights-digest.js'

export type Resumed = { state: TrainingState; optimizer: OptimizerState; adapters: Record<string, Tensor> }

/** The folder of the checkpoint that a run goes on from. */
export function lastOf(run: string): string {
  return resolve(run, CHECKPOINTS, LAST)
}

/**
 * Reads `last`. Where it is damaged or gone, the healthy checkpoint of the highest step takes its place, and the damaged
 * one is kept beside it.
 * @throws ClipwrightError ERR_NOT_FOUND when there is no checkpoint, ERR_FORMAT when none is healthy, ERR_IO
 */
export async function readLast(run: string): Promise<Resumed & { notes: Note[] }> {
  const last = lastOf(run)
  const first = await tryRead(last)
  if (!(first instanceof ClipwrightError)) return { ...first, notes: [] }

  const others = await othersOf(run)
  if (others.length === 0 && !existsSync(last)) {
    const message = `${run} has no checkpoint to resume from: it ended before its first; start it again with the same options.`
    throw new ClipwrightError('ERR_NOT_FOUND', message, { cause: first })
  }
  const found = await Promise.all(others.map(async (name) => ({ name, read: await tryRead(join(last, '..', name)) })))
  const healthy = found.flatMap(({ name, read }) => (read instanceof ClipwrightError ? [] : [{ name, ...read }]))
  const best = healthy.sort((a, b) => b.state.step - a.state.step)[0]
  if (!best) {
    const reasons = [first, ...found.map(({ read }) => read as ClipwrightError)].map(({ message }) => message)
    throw new ClipwrightError('ERR_FORMAT', `${run} has no checkpoint that is whole. ${reasons.join(' ')}`, {
      cause: first,
    })
  }
  const aside = existsSync(last) ? await setAside(last) : undefined
  await keepAs(join(last, '..', best.name), last)
  const kept = aside === undefined ? '' : ` (the damaged one is kept as ${aside})`
  const message = `${first.message} The run goes on from ${CHECKPOINTS}/${best.name}, of step ${best.state.step}, instead${kept}.`
  return { ...best, notes: [{ code: 'damaged', message }] }
}

/** What is wrong with the checkpoint itself is returned; what is wrong with the disk is thrown. */
async function tryRead(folder: string): Promise<Resumed | ClipwrightError> {
  try {
    const read = await readState(folder)
    const { weights } = read.state
    if (!existsSync(join(folder, WEIGHTS_NAME))) throw damaged(`${folder} has no ${WEIGHTS_NAME}.`)
    if (weights !== undefined && weights !== (await digestOf(folder))) {
      throw damaged(
        `The weights in ${folder} are not those of its state, step ${read.state.step}: cut off, or of another step.`,
      )
    }
    return read
  } catch (error) {
    if (error instanceof ClipwrightError && ['ERR_NOT_FOUND', 'ERR_FORMAT'].includes(error.code)) return error
    throw error
  }
}

function damaged(message: string): ClipwrightError {
  return new ClipwrightError('ERR_FORMAT', message)
}

async function othersOf(run: string): Promise<string[]> {
  const folder = resolve(run, CHECKPOINTS)
  if (!existsSync(folder)) return []
  const names = await fileSystem(folder, () => readdir(folder))
  return names.filter((name) => name !== LAST && !name.startsWith('.') && !name.startsWith(`${LAST}.damaged`))
}

async function setAside(last: string): Promise<string> {
  let name = `${last}.damaged`
  for (let i = 2; existsSync(name); i++) name = `${last}.damaged-${i}`
  await fileSystem(last, () => rename(last, name))
  return name
}

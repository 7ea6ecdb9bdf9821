/** Runs that are struck by faults, and what must hold of them afterwards. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { TrainOptions } from '../../lib/train/options/options.js'
import { type Ended, Program } from '../programs/program.js'
import { digestsOf, logOf, STATE, stepsOf, WEIGHTS } from '../train/runs.js'

export type Fault = {
  calls: string[]
  under: string
  at: number
  effect: 'kill' | 'half' | 'short' | 'EIO' | 'ENOSPC' | 'EINTR' | 'EMFILE'
  times?: number
  report?: string
}

export type Outcome = { code: string; message?: string; warnings: string[] }

/** What a run does to names, and to what files hold. */
export const NAMES = ['rename', 'link', 'unlink', 'rm', 'mkdir', 'rmdir']
export const WRITES = ['write', 'sync']

/** Of a process: a bound for what hangs, far above what the slowest machine takes. */
const TIMEOUT = 600_000

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** Trains with the options of its argument. */
export const TRAIN = here('train.mjs')

/** A run in a process of its own, struck if there is a fault. */
export async function trainStruck(options: TrainOptions, fault?: Fault): Promise<Ended> {
  const struck = fault ? ['env', `CLIPWRIGHT_FAULT=${JSON.stringify(fault)}`] : ['env']
  const preload = fault ? ['--import', here('faults.mjs')] : []
  const [command, ...args] = [...struck, process.execPath, ...preload, TRAIN, JSON.stringify(options)]
  return new Program(command as string, args, { timeout: TIMEOUT }).ended
}

/** A run that may not have more than so many descriptors. */
export async function trainLimited(options: TrainOptions, limit: number): Promise<Ended> {
  const script = `ulimit -n ${limit}; exec "$@"`
  const args = ['-c', script, 'bash', process.execPath, TRAIN, JSON.stringify(options)]
  return new Program('bash', args, { timeout: TIMEOUT }).ended
}

export function outcomeOf({ stdout, stderr }: Ended): Outcome {
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) as string)
}

/** Goes on with what is left of a run, or starts it again where it had not begun. */
export async function goOn(options: TrainOptions, run = trainAlone): Promise<Outcome> {
  const resumed = await run({ resume: options.out as string })
  if (resumed.code !== 'ERR_NOT_FOUND') return resumed
  const started = await run(options)
  if (started.code === 'done') return started
  // Steps were logged before there was a checkpoint: the user is asked.
  expect(started.message).toContain('replace it ("overwrite")')
  return run({ ...options, overwrite: true })
}

const trainAlone = async (options: TrainOptions) => outcomeOf(await trainStruck(options))

/** All that a run leaves behind: names, bits, and lines. */
export async function remainsOf(out: string) {
  const names = readdirSync(out, { recursive: true }).map(String).sort()
  const bits = [WEIGHTS, STATE].flatMap((file) =>
    readdirSync(join(out, 'checkpoints')).map((name) => digestsOf(out, file, name)),
  )
  const lines = (name: string) => readFileSync(join(out, name), 'utf8').split('\n')
  return {
    names,
    bits: await Promise.all(bits),
    steps: stepsOf(logOf(out)),
    losses: [lines('epoch_loss.txt'), lines('epoch_val_loss.txt'), lines('epoch_recall.txt')],
  }
}

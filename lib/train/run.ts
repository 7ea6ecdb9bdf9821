/** `train`: a run from options to a folder with a trained model. */

import { joinWorld } from '../ranks/join.js'
import type { World } from '../ranks/world.js'
import { EventChannel } from './event-channel.js'
import type { TrainEvent, TrainResult } from './events.js'
import { TrainingLoop } from './loop.js'
import type { TrainOptions } from './options/options.js'
import { prepareRun } from './prepare.js'

/** A training run. Not a promise itself: await `result`. */
export class TrainRun implements AsyncIterable<TrainEvent> {
  /** Resolves at the end of the run; rejects with what broke it, or with `signal.reason` after an abort. */
  readonly result: Promise<TrainResult>
  readonly #events = new EventChannel<TrainEvent>()
  readonly #stopping = new AbortController()
  #loop: TrainingLoop | undefined

  /** Use `train`. */
  constructor(options: TrainOptions) {
    this.result = this.#run(options)
  }

  /** Finishes the step that is running and saves; `resume` goes on from there. Resolves as `result` does. */
  stop(): Promise<TrainResult> {
    this.#stopping.abort()
    return this.result
  }

  /** Saves after the step that is running, and goes on. */
  save(): void {
    this.#loop?.save()
  }

  /**
   * Everything that happens, from the start on. A run never waits for its readers: one that is more than 4,096 events
   * behind loses the oldest. The loop throws what `result` rejects with.
   */
  [Symbol.asyncIterator](): AsyncIterator<TrainEvent> {
    // Who reads the events is told of a failure there.
    this.result.catch(() => {})
    return this.#events.read()
  }

  async #run(options: TrainOptions): Promise<TrainResult> {
    try {
      const result = await this.#train(options)
      this.#events.close()
      return result
    } catch (error) {
      this.#events.close({ error })
      throw error
    }
  }

  async #train(options: TrainOptions): Promise<TrainResult> {
    const signal = options?.signal
    // Anything else is named with the other options.
    if (signal instanceof AbortSignal) signal.throwIfAborted()
    const world = await joinWorld()
    try {
      return await this.#trainIn(world, options, signal)
    } catch (error) {
      await world.tell(error)
      throw error
    }
  }

  async #trainIn(world: World, options: TrainOptions, signal: AbortSignal | undefined): Promise<TrainResult> {
    const run = await prepareRun(options, world)
    const onAbort = () => this.#stopping.abort()
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
    try {
      this.#loop = new TrainingLoop(run, (event) => this.#events.push(event), this.#stopping.signal)
      const result = await this.#loop.run()
      // The launcher ends a job with the first rank that goes: all wait until what was made is on the disk.
      await world.exchange('done')
      if (result.interrupted) signal?.throwIfAborted()
      return result
    } catch (error) {
      // While the model is there: once it is gone, so may be what MPI has not sent yet.
      await world.tell(error)
      throw error
    } finally {
      signal?.removeEventListener('abort', onAbort)
      await run.folder.close().catch(() => {})
      await run.teacher?.dispose()
      await run.clip.dispose()
    }
  }
}

/**
 * Trains a model on pictures with captions, from random weights (`model`), from a checkpoint (`load`), or on from where
 * a run was interrupted (`resume`). It starts at once, on threads of its own; the event loop stays free.
 *
 * The folder `out` gets `config.json`, `log.jsonl` (the events), `loss.png`, `recall.png`, `bad-samples.jsonl` and
 * `checkpoints/{last,best}`, each a folder that `Clip.load` and open_clip load. `best` has the highest mean recall on
 * `val`, without it the lowest mean loss of an epoch.
 *
 * The same options and seed give the same weights, bit for bit, on the same machine, build and thread count; so does a
 * run that was interrupted and resumed. A picture that cannot be read is replaced by the next sample, listed and
 * warned about; more than 1 % of them (and at least 10) end the run.
 *
 * A step whose gradients are not finite is skipped and warned about (`step_skipped`); in fp16 a few are usual, as each
 * halves the loss scale. Five in a row that no loss scale explains end the run. Nothing is saved of a model that has
 * diverged, so that `resume` may go on from the last good checkpoint with another precision or learning rate.
 *
 * @throws ClipwrightError (as a rejection of `result`) ERR_INVALID_ARGUMENT also for an `out` in use, ERR_UNKNOWN_MODEL,
 *   ERR_NOT_FOUND, ERR_FORMAT, ERR_IMAGE for pictures of `val` that cannot be read, ERR_DATA for lists that cannot be trained on, ERR_MISMATCH, ERR_UNSUPPORTED
 *   when the model has diverged, ERR_OUT_OF_MEMORY, ERR_IO
 *   (the previous checkpoint survives a full disk)
 * @example
 * const run = train({ data: 'train.json', val: 'val.json', model: 'ViT-B-32', out: 'runs/mine' })
 * for await (const event of run) if (event.type === 'step') console.log(event.step, event.loss)
 * console.log((await run.result).best)
 */
export function train(options: TrainOptions): TrainRun {
  return new TrainRun(options)
}

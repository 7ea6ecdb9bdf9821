/** What all optimizers share: their place in the core, groups of parameters, steps, and their state. */
import { isArray, isPromise } from '../base/brands.js'
import { ClipwrightError, invalid } from '../base/errors.js'
import { parseOptions } from '../base/options.js'
import type { Tensor } from '../base/types.js'
import { tensorData } from '../clip/parameters.js'
import { type ModelSession, sessionOf } from '../clip/session.js'
import type { NativeBatch } from '../native/batch.js'
import type { NativeSlot } from '../native/names.js'
import type { NativeOptimizer, NativeStepOptions } from '../native/optimizer.js'
import type { NativeWholeStepResult } from '../native/results.js'
import { lossScaleSchema, stepSchema } from './schemas.js'

/** Parameters that are updated differently. The first group whose `match` finds a parameter's name takes it. */
export type ParameterGroup = {
  /** Tried on open_clip's names, as in `visual.conv1.weight`. */
  match: RegExp
  /** The optimizer's own by default; 0 keeps the parameters as they are. */
  lr?: number
  /** The optimizer's own by default, on parameters of any shape when it is given. */
  weightDecay?: number
}

/** One step of an optimizer. */
export type StepOptions = {
  /** In place of the optimizer's own; groups keep their ratio to it. */
  lr?: number
  /** Scales the gradients down to this norm over all parameters where theirs is larger. */
  maxGradNorm?: number
  /** Of `trainStep`: a batch whose loss is above it changes nothing. */
  maxLoss?: number
}

/** What a step found and did. */
export type StepResult = {
  /** Euclidean norm of all gradients together, before `maxGradNorm`. */
  gradNorm: number
  /**
   * The norm was not finite, so nothing changed but that the gradients were cleared (and fp16's loss scale halved); or the loss was
   * above `maxLoss`.
   */
  skipped: boolean
  /** In fp16: what the losses from here on are multiplied by. */
  lossScale?: number
}

/** fp16's: the factor, 1 to 2^24, and how many steps in a row were finite with it. */
export type LossScale = { value: number; goodSteps: number }

/**
 * A moment of one parameter, as checkpoints are written: values are read when their turn comes.
 * `into`: what they are read into, left alone until then; a new array without.
 */
export type Moment = { shape: readonly number[]; dtype: 'F32'; read(into?: Float32Array): Promise<Float32Array> }

/** All that a continued run needs: `m.NAME` and `v.NAME` are the moments of parameter NAME. */
export type OptimizerState = { steps: number; tensors: Record<string, Tensor>; lossScale?: LossScale }

/** A rule of the core, and the moments that it keeps. */
export type Rule = Omit<NativeOptimizer, 'lrScale' | 'weightDecay' | 'average'> & {
  moments: readonly Extract<NativeSlot, 'm' | 'v'>[]
}

type Rates = { lr: number; weightDecay: number; groups: ParameterGroup[]; ema?: number | undefined }
type Kept = Extract<NativeSlot, 'm' | 'v' | 'average'>

/** What every optimizer of a model can do. */
export abstract class Optimizer {
  /** Of a step that is given no other. */
  readonly lr: number
  readonly #session: ModelSession
  readonly #moments: readonly Kept[]
  /** Whether a parameter learns, or did at a step: what is kept of the others is nothing. */
  readonly #learned: boolean[]
  readonly #handle: Promise<number>
  /** The handle once it is there: calls then reach the core before they return, in the order they were made. */
  #known: number | undefined

  protected constructor(clip: object, { moments, ...rule }: Rule, rates: Rates, where: string) {
    const session = sessionOf(clip, where)
    session.requireTraining(where)
    const { ema = 0 } = rates
    const spec = { ...rule, ...perParameter(session, rates, where), average: ema }
    this.lr = rates.lr
    this.#session = session
    this.#moments = ema > 0 ? [...moments, 'average'] : moments
    this.#learned = session.parameters.map((_, index) => session.isTrainable(index))
    this.#handle = session.call((native) => native.createOptimizer(spec))
    // A constructor cannot wait: the first use reports a failure.
    this.#handle.then(
      (handle) => {
        this.#known = handle
      },
      () => {},
    )
  }

  /**
   * Updates every trainable parameter from its gradient, clamps logit_scale to [0, ln 100], and clears the gradients.
   *
   * In fp16 losses are multiplied by a scale, so that small gradients are not lost, and gradients divided by it: as
   * torch.amp.GradScaler, it begins at 65,536, is halved by a step whose gradients overflowed (which is skipped), and
   * doubled after 2,000 steps in a row that did not. A few skipped steps are usual. At a scale of 1 there is nothing
   * left to halve: steps that are still skipped will go on being so, and the model needs 'bf16' or 'fp32'.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT also when there are no gradients, ERR_DISPOSED, ERR_OUT_OF_MEMORY
   */
  async step(options?: StepOptions): Promise<StepResult> {
    const o = this.#stepOptions(options)
    this.#learn()
    const handle = this.#known ?? (await this.#handle)
    return this.#session.call((native) => native.optimizerStep(handle, o))
  }

  /**
   * `forwardBackward` and `step` as one job, see `trainStep`.
   * @internal
   */
  async stepOn(
    session: ModelSession,
    batch: NativeBatch | Promise<NativeBatch>,
    options?: StepOptions,
  ): Promise<NativeWholeStepResult> {
    if (session !== this.#session) {
      throw new ClipwrightError('ERR_INVALID_ARGUMENT', 'trainStep: the optimizer was made for another model.')
    }
    const o = this.#stepOptions(options)
    this.#learn()
    const handle = this.#known ?? (await this.#handle)
    const ready = isPromise(batch) ? await batch : batch
    return this.#session.call((native) => native.step(ready, handle, o))
  }

  /**
   * Runs `work` with the averages of `ema` in the model, where there are some. No step may be made until it ends.
   * @internal
   */
  async withAverages<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#moments.includes('average')) return work()
    const handle = await this.#handle
    const exchange = () => this.#session.call((native) => native.exchangeAverages(handle))
    await exchange()
    try {
      return await work()
    } finally {
      await exchange()
    }
  }

  /**
   * Steps and moments as they are after the calls made so far, to go on from with `restore`.
   * @throws ClipwrightError ERR_DISPOSED
   */
  async state(): Promise<OptimizerState> {
    const { steps, lossScale, moments } = await this.readState()
    const entries = moments.map(
      async ([key, { shape, read }]): Promise<[string, Tensor]> => [key, { shape: [...shape], data: await read() }],
    )
    const all = await Promise.all([steps, lossScale, Promise.all(entries)])
    return { steps: all[0], tensors: Object.fromEntries(all[2]), ...(all[1] && { lossScale: all[1] }) }
  }

  /**
   * The state a tensor at a time, for whoever lets no step run until the last is read.
   * @internal
   */
  async readState(): Promise<{
    steps: Promise<number>
    lossScale: Promise<LossScale | undefined>
    moments: [key: string, moment: Moment][]
  }> {
    const handle = await this.#handle
    const moments = this.#slots().map(({ key, index, shape, slot }): [string, Moment] => {
      const read = (into?: Float32Array) =>
        this.#session.call((native) => native.read({ index, slot, optimizer: handle, ...(into && { into }) }))
      return [key, { shape, dtype: 'F32', read }]
    })
    return {
      steps: this.#session.call((native) => native.optimizerSteps(handle)),
      lossScale: this.#session.call((native) => native.lossScale()),
      moments,
    }
  }

  /**
   * Goes on from a state that an optimizer of the same kind had for the same model. Gradients are cleared, as by a step.
   * A loss scale is taken over in fp16 and means nothing in other precisions; without one fp16 keeps its own.
   * @param thawed (internal) parameters that learn now may have been frozen then: moments that are not there begin as zeros
   * @throws ClipwrightError ERR_MISMATCH naming all moments that are missing or do not belong here,
   *   ERR_INVALID_ARGUMENT for a wrong shape, ERR_DISPOSED
   */
  async restore({ steps, tensors, lossScale }: OptimizerState, thawed = false): Promise<void> {
    // Of what does not learn there may be zeros, as an earlier version kept them, or what it learned before.
    const learns = (index: number, key: string) => this.#learned[index]! && (key in tensors || !thawed)
    const slots = this.#slots((index, key) => learns(index, key) || holdsAny(tensors[key]))
    const known = new Set(this.#slots(() => true).map(({ key }) => key))
    const missing = slots.map(({ key }) => key).filter((key) => !(key in tensors))
    const extra = Object.keys(tensors).filter((key) => !known.has(key))
    if (missing.length + extra.length > 0) {
      const parts = [
        missing.length > 0 && `missing ${missing.join(', ')}`,
        extra.length > 0 && `unexpected ${extra.join(', ')}`,
      ]
      const message = `The optimizer's state belongs to another model or optimizer: ${parts.filter(Boolean).join('; ')}.`
      throw new ClipwrightError('ERR_MISMATCH', message)
    }
    if (!Number.isSafeInteger(steps) || steps < 0) {
      throw new ClipwrightError(
        'ERR_INVALID_ARGUMENT',
        `restore: steps: expected a whole number from 0 up, got ${steps}.`,
      )
    }
    if (lossScale !== undefined) parseOptions(lossScaleSchema, lossScale, 'restore: lossScale')
    // All is checked before anything is written.
    let values = slots.map(({ key, shape }) => tensorData(tensors[key]!, shape, `restore: ${key}`))
    // The core copies them in the calls below, which come too late where the handle is still to come.
    if (this.#known === undefined) values = values.map((array) => array.slice())
    const handle = this.#known ?? (await this.#handle)
    const writes = slots.map(({ index, slot }, i) =>
      this.#session.call((native) => native.write({ index, slot, optimizer: handle, data: values[i]! })),
    )
    writes.push(this.#session.call((native) => native.setOptimizerSteps(handle, steps)))
    writes.push(this.#session.call((native) => native.zeroGrad()))
    if (lossScale !== undefined && this.#session.precision === 'fp16') {
      writes.push(this.#session.call((native) => native.setLossScale(lossScale)))
    }
    await Promise.all(writes)
  }

  #stepOptions(options: StepOptions | undefined): NativeStepOptions {
    const { lr = this.lr, maxGradNorm = 0, maxLoss = 0 } = parseOptions(stepSchema, options, 'step')
    return { lr, maxGradNorm, maxLoss }
  }

  #learn(): void {
    for (const index of this.#learned.keys()) this.#learned[index] ||= this.#session.isTrainable(index)
  }

  #slots(wanted: (index: number, key: string) => boolean = (index) => this.#learned[index]!) {
    return this.#moments
      .flatMap((slot) =>
        this.#session.parameters.map(({ publicName, shape }, index) => ({
          key: `${slot}.${publicName}`,
          index,
          shape,
          slot,
        })),
      )
      .filter(({ index, key }) => wanted(index, key))
  }
}

function holdsAny(tensor: Tensor | undefined): boolean {
  const data = tensor?.data
  return isArray(data, 'Float32Array') && data.some((x) => x !== 0)
}

/** Decay falls on matrices and not on biases, norms and scales, as in open_clip (`src/open_clip_train/main.py`). */
function perParameter(
  session: ModelSession,
  { lr, weightDecay, groups }: Rates,
  where: string,
): Pick<NativeOptimizer, 'lrScale' | 'weightDecay'> {
  const names = session.parameters.map(({ publicName }) => publicName)
  // search, not test: a RegExp with the flag g remembers where it was.
  const groupOf = names.map((name) => groups.findIndex(({ match }) => name.search(match) >= 0))
  for (const [i, { match, lr: groupLr }] of groups.entries()) {
    if (!groupOf.includes(i)) throw invalid(`${where}: groups.${i}: ${match} matches no parameter that is left to it`)
    if (lr === 0 && groupLr)
      throw invalid(`${where}: groups.${i}: an lr of ${groupLr} has no ratio to the optimizer's lr of 0`)
  }
  const decays = session.parameters.map(({ shape }) => (shape.length >= 2 ? weightDecay : 0))
  return {
    lrScale: Float32Array.from(groupOf, (group) => scale(groups[group]?.lr, lr)),
    weightDecay: Float32Array.from(groupOf, (group, i) => groups[group]?.weightDecay ?? decays[i]!),
  }
}

function scale(groupLr: number | undefined, lr: number): number {
  return groupLr === undefined || lr === 0 ? 1 : groupLr / lr
}

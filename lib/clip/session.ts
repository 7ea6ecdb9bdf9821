/** A model's native session as the library's classes share it: one place for its end, its errors and its parameters. */
import { ClipwrightError, invalid } from '../base/errors.js'
import { callNative } from '../native/addon.js'
import type { NativeModel } from '../native/model.js'
import type { EncodingPrecision } from '../native/names.js'
import type { NativeParameter } from '../native/parameter-list.js'
import type { NativeSession } from '../native/session.js'

/** `name` is the core's, which layouts translate, `publicName` what users call it. */
export type ParameterInfo = {
  readonly name: string
  readonly publicName: string
  readonly shape: readonly number[]
  /** To 8 bits. */
  readonly rounded?: boolean
}

/** Low-rank adapters: their A and B are the parameters from `first` on, two for each of `parameters`. */
export type Adapters = { parameters: readonly number[]; rank: number; alpha: number; first: number }

export class ModelSession {
  readonly model: NativeModel
  readonly precision: EncodingPrecision
  /** Whether it can be trained: see `learning`. */
  readonly trainable: boolean
  readonly #native: NativeSession
  #parameters: readonly ParameterInfo[]
  #trainable: boolean[]
  #adapters: (Adapters & { trainableBefore: boolean[] }) | undefined
  #disposal: Promise<void> | undefined
  #failure: unknown

  constructor(
    model: NativeModel,
    { precision, trainable }: { precision: EncodingPrecision; trainable: boolean },
    native: NativeSession,
    publicName: (parameter: NativeParameter) => string,
  ) {
    this.model = model
    this.precision = precision
    this.trainable = trainable
    this.#native = native
    const parameters = native.parameters()
    this.#parameters = parameters.map((one) => ({ ...one, publicName: publicName(one) }))
    this.#trainable = parameters.map((parameter) => trainable && parameter.trainable)
  }

  /** The model's own, then its adapters'. */
  get parameters(): readonly ParameterInfo[] {
    return this.#parameters
  }

  get adapters(): Adapters | undefined {
    return this.#adapters
  }

  /** Those without the adapters'. */
  get own(): readonly ParameterInfo[] {
    return this.#adapters ? this.#parameters.slice(0, this.#adapters.first) : this.#parameters
  }

  /**
   * From the next job on the adapters alone learn.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT when there are some already, ERR_DISPOSED
   */
  addAdapters({ parameters, rank, alpha, seed }: Omit<Adapters, 'first'> & { seed: number }): void {
    this.requireTraining('addLora')
    if (this.#adapters) throw invalid('addLora: the model has adapters already; merge them first')
    const first = this.#parameters.length
    const added = parameters.flatMap((index) => {
      const { name, publicName, shape } = this.#parameters[index]!
      const [out, input] = shape as [number, number]
      return [
        { name: `${name}.lora_A`, publicName: `${publicName}.lora_A`, shape: [rank, input] },
        { name: `${name}.lora_B`, publicName: `${publicName}.lora_B`, shape: [out, rank] },
      ]
    })
    this.#adapters = { parameters, rank, alpha, first, trainableBefore: this.#trainable }
    this.#parameters = [...this.#parameters, ...added]
    this.#trainable = this.#parameters.map((_, index) => index >= first)
    const o = { parameters: Float32Array.from(parameters), rank, scale: alpha / rank, seed }
    this.#unwaited((native) => native.addAdapters(o))
  }

  /** What they learned becomes part of the weights; what was frozen before they came is frozen again. */
  async mergeAdapters(): Promise<void> {
    this.requireTraining('mergeLora')
    const adapters = this.#adapters
    if (!adapters) throw invalid('mergeLora: the model has no adapters; call addLora first')
    this.#adapters = undefined
    this.#parameters = this.#parameters.slice(0, adapters.first)
    this.#trainable = this.#parameters.map(() => true)
    const merged = this.call((native) => native.mergeAdapters())
    for (const [index, trainable] of adapters.trainableBefore.entries()) this.setTrainable(index, trainable)
    await merged
  }

  get device(): string {
    return this.#native.device
  }

  /** Whether steps run beside the host, so that the next may be queued before the results of the last are in. */
  get concurrent(): boolean {
    return this.#native.concurrent
  }

  /** Of the session's own team. */
  get threads(): number {
    return this.#native.threads
  }

  /**
   * Queues a job. What `job` hands over is copied before this returns.
   * @throws ClipwrightError (as a rejection) ERR_DISPOSED after `dispose`, and the core's own
   */
  call<T>(job: (native: NativeSession) => Promise<T>): Promise<T> {
    try {
      this.check()
    } catch (error) {
      return Promise.reject(error)
    }
    return callNative(() => job(this.#native))
  }

  /** Throws when the model was disposed, or when a job that nobody waits for has failed. */
  check(): void {
    if (this.#disposal) throw new ClipwrightError('ERR_DISPOSED', 'This model was disposed; create or load it again.')
    if (this.#failure !== undefined) throw this.#failure
  }

  /**
   * As `check`, for what changes a model.
   * @param where the call, for messages
   * @throws ClipwrightError ERR_UNSUPPORTED for a model that only encodes
   */
  requireTraining(where: string): void {
    this.check()
    if (this.trainable) return
    const option = this.precision === 'int8' ? "precision: 'int8'" : 'trainable: false'
    const message = `${where}: this model was loaded with ${option} and only encodes; load it without that option.`
    throw new ClipwrightError('ERR_UNSUPPORTED', message)
  }

  isTrainable(index: number): boolean {
    return this.#trainable[index]!
  }

  /** Takes effect on the jobs queued from now on. */
  setTrainable(index: number, trainable: boolean): void {
    this.check()
    if (this.#trainable[index] === trainable) return
    this.requireTraining('trainable')
    if (trainable && this.#adapters?.parameters.includes(index)) {
      throw invalid(
        `${this.#parameters[index]!.publicName} has an adapter that learns in its place; call mergeLora first`,
      )
    }
    this.#trainable[index] = trainable
    this.#unwaited((native) => native.setTrainable(index, trainable))
  }

  /** What returns no promise: the next call reports what went wrong. */
  #unwaited(job: (native: NativeSession) => Promise<void>): void {
    this.call(job).catch((error: unknown) => {
      this.#failure = error
    })
  }

  dispose(): Promise<void> {
    this.#disposal ??= callNative(() => this.#native.dispose())
    return this.#disposal
  }
}

const sessions = new WeakMap<object, ModelSession>()

/** Called once by each model. Sessions are not fields, so that they are not part of what users see. */
export function registerSession(clip: object, session: ModelSession): void {
  sessions.set(clip, session)
}

/** @throws ClipwrightError ERR_INVALID_ARGUMENT when it is not a model */
export function sessionOf(clip: object, where: string): ModelSession {
  const session = sessions.get(Object(clip))
  if (session) return session
  throw new ClipwrightError('ERR_INVALID_ARGUMENT', `${where}: expected a Clip made by Clip.create or Clip.load.`)
}

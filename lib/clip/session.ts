/** A model's native session as the library's classes share it: one place for its end, its errors and its parameters. */
import { ClipwrightError } from '../base/errors.js'
import { callNative } from '../native/addon.js'
import type { NativeModel } from '../native/model.js'
import type { Precision } from '../native/names.js'
import type { NativeParameter } from '../native/parameter-list.js'
import type { NativeSession } from '../native/session.js'

/** `name` is the core's, which layouts translate, `publicName` what users call it. */
export type ParameterInfo = { readonly name: string; readonly publicName: string; readonly shape: readonly number[] }

export class ModelSession {
  readonly model: NativeModel
  readonly precision: Precision
  readonly parameters: readonly ParameterInfo[]
  readonly #native: NativeSession
  readonly #trainable: boolean[]
  #disposal: Promise<void> | undefined
  #failure: unknown

  constructor(
    model: NativeModel,
    precision: Precision,
    native: NativeSession,
    publicName: (parameter: NativeParameter) => string,
  ) {
    this.model = model
    this.precision = precision
    this.#native = native
    const parameters = native.parameters()
    this.parameters = parameters.map(({ name, shape }, i) => ({ name, shape, publicName: publicName(parameters[i]!) }))
    this.#trainable = parameters.map(({ trainable }) => trainable)
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

  isTrainable(index: number): boolean {
    return this.#trainable[index]!
  }

  /** Takes effect on the jobs queued from now on. */
  setTrainable(index: number, trainable: boolean): void {
    this.check()
    if (this.#trainable[index] === trainable) return
    this.#trainable[index] = trainable
    // A setter returns no promise: the next call reports what went wrong.
    this.call((native) => native.setTrainable(index, trainable)).catch((error: unknown) => {
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

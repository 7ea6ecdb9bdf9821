/** A model's parameters, one by one. */
import { requireArray, requireFinite, requireShape } from '../base/arrays.js'
import { isArray } from '../base/brands.js'
import type { Tensor } from '../base/types.js'
import { elementCount } from '../checkpoint/formats/dtypes.js'
import { fromStored, type StoredPart, toStored } from '../checkpoint/layouts/stored-parts.js'
import type { ModelSession } from './session.js'

/** One parameter of a model; values are f32 whatever the model's precision is. */
export class Parameter {
  /** In the layout that `Clip.parameters` was asked for. */
  readonly name: string
  /** Row-major; a matrix is [out, in], as PyTorch keeps it. */
  readonly shape: number[]
  readonly #session: ModelSession
  readonly #index: number
  readonly #part: StoredPart

  /** @internal Made by `Clip.parameters`. */
  constructor(session: ModelSession, index: number, part: StoredPart) {
    this.#session = session
    this.#index = index
    this.#part = part
    this.name = part.name
    this.shape = [...part.shape]
  }

  /**
   * Frozen (false) parameters get no gradient and no update. Takes effect on the calls that follow. Parts that a layout
   * makes of one parameter share it: q, k and v of the image tower in 'hf'.
   */
  get trainable(): boolean {
    return this.#session.isTrainable(this.#index)
  }

  /** @throws ClipwrightError ERR_UNSUPPORTED where a model that only encodes is to learn, ERR_DISPOSED */
  set trainable(trainable: boolean) {
    this.#session.setTrainable(this.#index, Boolean(trainable))
  }

  /**
   * Values in f32, as they are after the calls made so far. A model that only encodes (`trainable: false`) has the weights
   * of its products in its own precision: they are read as they were rounded to it.
   * @throws ClipwrightError ERR_DISPOSED
   */
  async read(): Promise<Tensor> {
    return this.#read('value')
  }

  /**
   * New values, copied before the call returns.
   * @throws ClipwrightError ERR_INVALID_ARGUMENT for another shape or values that are not finite, ERR_UNSUPPORTED for a model
   *   that only encodes, ERR_DISPOSED
   */
  async write(tensor: Tensor): Promise<void> {
    this.#session.requireTraining('write')
    const data = fromStored(this.#part, tensorData(tensor, this.#part.shape, this.name))
    await this.#session.call((native) =>
      native.write({ index: this.#index, slot: 'value', first: this.#part.first, count: data.length, data }),
    )
  }

  /**
   * The gradient that `forwardBackward` has added up since the last step; zeros where there is none.
   * @throws ClipwrightError ERR_UNSUPPORTED for a model that only encodes, ERR_DISPOSED
   */
  async readGrad(): Promise<Tensor> {
    this.#session.requireTraining('readGrad')
    return this.#read('grad')
  }

  async #read(slot: 'value' | 'grad'): Promise<Tensor> {
    const { shape, first } = this.#part
    const values = await this.#session.call((native) =>
      native.read({ index: this.#index, slot, first, count: elementCount(shape) }),
    )
    return { shape: [...shape], data: toStored(this.#part, values) }
  }
}

/** The values of a tensor of this shape. A plain Float32Array is not enough: its shape could be another one. */
export function tensorData(tensor: Tensor, shape: readonly number[], where: string): Float32Array {
  const { shape: given, data } = Object(tensor) as Partial<Tensor>
  if (isArray(data, 'Float32Array')) requireShape(given, shape, `${where}.shape`, `[${shape.join(', ')}]`)
  const count = shape.reduce((product, size) => product * size, 1)
  const values = requireArray(data, 'Float32Array', count, `${where}.data`)
  requireFinite(values, `${where}.data`)
  return values
}

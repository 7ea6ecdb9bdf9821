/** Shapes of the values that cross the library's surface. */

/** Row-major, contiguous. */
export type Tensor = { shape: number[]; data: Float32Array }

/** Token rows padded with the tokenizer's padId; without lengths they are derived from the text tower's rule. */
export type Tokens = { shape: [n: number, length: number]; data: Int32Array; lengths?: Int32Array }

/** RGB, interleaved. */
export type Pixels = { shape: [n: number, height: number, width: number, channels: 3]; data: Uint8Array }

/** A path, a file: URL, or encoded bytes. */
export type ImageSource = string | URL | Uint8Array

/** A normalised tensor [n, 3, H, W], pixels of the model's size, or pictures to decode: one or several. */
export type Images = Tensor | Pixels | ImageSource | readonly ImageSource[]

/** Values of a stored tensor. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array

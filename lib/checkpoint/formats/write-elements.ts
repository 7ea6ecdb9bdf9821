/** A tensor's values as files hold them. */
import type { TypedArray } from '../../base/types.js'
import type { Append } from '../../files/append-bytes.js'
import { type Dtype, describeDtype } from './dtypes.js'
import { asBytes } from './weight-file.js'

/** Rounded at a time; the event loop runs in between. */
const CHUNK_ELEMENTS = 1 << 18

/** Appends the values, rounded where the type is narrower than they are in memory. */
export async function writeElements(append: Append, data: TypedArray, dtype: Dtype): Promise<void> {
  const { narrow } = describeDtype(dtype)
  if (!narrow) {
    await append(asBytes(data))
    return
  }
  const values = data as Float32Array
  const rounded = new Uint16Array(Math.min(values.length, CHUNK_ELEMENTS))
  for (let at = 0; at < values.length; at += CHUNK_ELEMENTS) {
    const chunk = values.subarray(at, at + CHUNK_ELEMENTS)
    narrow.round(chunk, rounded)
    await append(asBytes(rounded.subarray(0, chunk.length)))
  }
}

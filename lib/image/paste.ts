/** Small pictures on the model's square. */
import type { Rgb } from './decode.js'

/** What does not come from a picture is this grey. */
const GREY = 128

/** [size, size, 3]: the picture at (left, top), where it must fit, on grey. */
export function pasteOnGrey({ width, height, data }: Rgb, size: number, left: number, top: number): Uint8Array {
  const out = new Uint8Array(size * size * 3).fill(GREY)
  for (let y = 0; y < height; y++)
    out.set(data.subarray(y * width * 3, (y + 1) * width * 3), ((top + y) * size + left) * 3)
  return out
}

/** Small pictures on the model's square. */

type Small = { width: number; height: number /** RGB [height, width, 3] */; data: Uint8Array }

/** What the reference's pictures are pasted on. */
const GREY = 128

export function pasteOnGrey(small: Small, size: number, left: number, top: number): Uint8Array {
  return paste(small, size, left, top, GREY)
}

/** [size, size, 3]: the picture at (left, top), where it must fit, on a level of grey. */
export function paste(
  { width, height, data }: Small,
  size: number,
  left: number,
  top: number,
  grey: number,
): Uint8Array {
  const out = new Uint8Array(size * size * 3).fill(grey)
  for (let y = 0; y < height; y++)
    out.set(data.subarray(y * width * 3, (y + 1) * width * 3), ((top + y) * size + left) * 3)
  return out
}

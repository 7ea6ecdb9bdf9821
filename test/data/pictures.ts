/** Encoded pictures for tests: one of one colour each, so that they can be told apart. */
import sharp from 'sharp'

/** @param i makes its colour */
export function picture(i: number, kind: 'jpeg' | 'png' | 'webp' = 'png', side = 16): Promise<Buffer> {
  const background = { r: (i * 37) % 256, g: (i * 91) % 256, b: (i * 151) % 256 }
  return sharp({ create: { width: side, height: side, channels: 3, background } })
    .toFormat(kind)
    .toBuffer()
}

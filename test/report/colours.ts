/** What drawn pictures are made of. */
import sharp from 'sharp'

/** How many pixels have this colour, or nearly. */
export async function count(png: Buffer, colour: readonly number[]): Promise<number> {
  const { data } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  let found = 0
  for (let i = 0; i < data.length; i += 3) if (colour.every((c, k) => Math.abs(data[i + k]! - c) < 6)) found++
  return found
}

// Draws the SVG on stdin: writes width, height and channels (u32, lowest byte first), then the pixels.
// Told { alpha, background } as JSON.
import sharp from 'sharp'

const parts = []
for await (const part of process.stdin) parts.push(part)
try {
  const { alpha, background } = JSON.parse(process.argv[2])
  const image = sharp(Buffer.concat(parts), { ignoreIcc: true }).toColourspace('srgb')
  const [r, g, b] = background ?? []
  const drawn = background
    ? image.flatten({ background: { r, g, b } })
    : alpha
      ? image.ensureAlpha()
      : image.removeAlpha()
  const { data, info } = await drawn.raw().toBuffer({ resolveWithObject: true })
  const header = Buffer.alloc(12)
  for (const [i, value] of [info.width, info.height, info.channels].entries()) header.writeUInt32LE(value, 4 * i)
  process.stdout.write(header)
  process.stdout.write(data)
} catch (error) {
  process.stderr.write(String(error.message).split('\n')[0])
  process.exitCode = 1
}

/**
 * SVG, drawn in a process of its own: a drawing can be small and take for ever (filters on filters), and nothing but the end
 * of a process stops the library that draws it.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Rgb } from '../colour.js'
import type { DecodedPicture } from '../picture.js'

const DRAW_SECONDS = 10
const HEADER_BYTES = 12
const DRAWER = fileURLToPath(new URL('./svg-process.mjs', import.meta.url))

type SvgOptions = { alpha: boolean; background?: Rgb | undefined; seconds?: number }

/** @throws Error that says what is wrong with the drawing, or that it takes too long */
export function decodeSvg(
  data: Buffer,
  { alpha, background, seconds = DRAW_SECONDS }: SvgOptions,
): Promise<DecodedPicture> {
  return new Promise<DecodedPicture>((resolve, reject) => {
    const child = spawn(process.execPath, [DRAWER, JSON.stringify({ alpha, background })], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const [out, errors]: [Buffer[], Buffer[]] = [[], []]
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, seconds * 1000)
    const leave = () => child.kill('SIGKILL')
    process.once('exit', leave)
    child.stdout.on('data', (part: Buffer) => out.push(part))
    child.stderr.on('data', (part: Buffer) => errors.push(part))
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(timer)
      process.off('exit', leave)
      if (late) return reject(new Error(`it takes longer than ${seconds} seconds to draw`))
      if (code !== 0) return reject(new Error(Buffer.concat(errors).toString().trim() || 'it could not be drawn'))
      resolve(pictureOf(Buffer.concat(out)))
    })
    child.stdin.on('error', () => {}) // a drawer that has ended says why itself
    child.stdin.end(data)
  })
}

function pictureOf(answer: Buffer): DecodedPicture {
  const [width, height, channels] = [0, 4, 8].map((at) => answer.readUInt32LE(at)) as [number, number, 3 | 4]
  return { width, height, channels, indexed: false, data: new Uint8Array(answer.subarray(HEADER_BYTES)) }
}

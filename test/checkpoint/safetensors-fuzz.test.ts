import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readSafetensors, writeSafetensors } from '../../lib/checkpoint/safetensors.js'
import { ClipwrightError } from '../../lib/errors.js'

/** mulberry32: small, and the same everywhere. */
function randomOf(seed: number): (n: number) => number {
  let state = seed
  return (n) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

const TOKENS = ['{', '}', '[', ']', '"', ',', ':', '-1', '1e9', '0.5', 'null', '"F16"', '"BOOL"', '\\u0000', '99999999']

/** Bytes flipped, cut, repeated or replaced by scraps of JSON, most often in the header. */
function mutate(original: Buffer, random: (n: number) => number): Buffer {
  let bytes = Buffer.from(original)
  const headerEnd = 8 + Number(original.readBigUInt64LE())
  for (let changes = 1 + random(3); changes > 0 && bytes.length > 0; changes--) {
    const at = random(Math.min(bytes.length, random(4) ? headerEnd : bytes.length))
    switch (random(5)) {
      case 0:
        bytes[at]! ^= 1 << random(8)
        break
      case 1:
        bytes = bytes.subarray(0, at)
        break
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(at + 1))])
        break
      case 3:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(TOKENS[random(TOKENS.length)]!),
          bytes.subarray(at + 1),
        ])
        break
      default: {
        // A digit of a shape or an offset: the JSON stays valid and only the numbers lie.
        const digits = [...bytes.subarray(8, headerEnd).keys()].filter(
          (i) => bytes[8 + i]! >= 48 && bytes[8 + i]! <= 57,
        )
        if (digits.length > 0) bytes[8 + digits[random(digits.length)]!] = 48 + random(10)
      }
    }
  }
  return bytes
}

it('every one of 500 damaged files is read or refused with a ClipwrightError', async () => {
  const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`safetensors fuzz: FUZZ_SEED=${seed}`)
  const random = randomOf(seed)
  const folder = await mkdtemp(join(tmpdir(), 'fuzz-'))
  try {
    const path = join(folder, 'x.safetensors')
    await writeSafetensors(
      path,
      {
        weight: { shape: [3, 4], data: Float32Array.from({ length: 12 }, (_, i) => i) },
        half: { shape: [5], data: new Float32Array(5), dtype: 'F16' },
        ids: { shape: [2, 1], data: BigInt64Array.of(1n, 2n) },
        empty: { shape: [0], data: new Uint8Array(0) },
      },
      { metadata: { format: 'pt' } },
    )
    const original = await readFile(path)
    let refused = 0
    for (let i = 0; i < 500; i++) {
      await writeFile(path, mutate(original, random))
      try {
        const { tensors } = await readSafetensors(path)
        for (const { shape, data } of Object.values(tensors)) {
          expect(data.length, `seed ${seed}, file ${i}`).toBe(shape.reduce((a, b) => a * b, 1))
        }
      } catch (error) {
        expect(error, `seed ${seed}, file ${i}`).toBeInstanceOf(ClipwrightError)
        expect((error as ClipwrightError).code, `seed ${seed}, file ${i}`).toBe('ERR_FORMAT')
        refused++
      }
    }
    expect(refused).toBeGreaterThan(250)
  } finally {
    await rm(folder, { recursive: true })
  }
})

/** float16 (IEEE 754 binary16) and bfloat16 (the upper half of a float32), in bulk. */

const f32 = new Float32Array(1)
const bits = new Uint32Array(f32.buffer)

let float16Values: Float32Array | undefined

/** Every float16 value, in the order of its bits. */
function float16Table(): Float32Array {
  if (float16Values) return float16Values
  const values = new Float32Array(0x10000)
  for (let half = 0; half < 0x10000; half++) {
    const exponent = (half >> 10) & 0x1f
    const fraction = half & 0x3ff
    const magnitude =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent === 31
          ? fraction
            ? Number.NaN
            : Infinity
          : (1 + fraction / 1024) * 2 ** (exponent - 15)
    values[half] = half & 0x8000 ? -magnitude : magnitude
  }
  float16Values = values
  return values
}

/** Widens exactly. `from` and `to` are of one length. */
export function widenFloat16(from: Uint16Array, to: Float32Array): void {
  const values = float16Table()
  for (let i = 0; i < from.length; i++) to[i] = values[from[i]!]!
}

/** Widens exactly. `from` and `to` are of one length. */
export function widenBfloat16(from: Uint16Array, to: Float32Array): void {
  const toBits = new Uint32Array(to.buffer, to.byteOffset, to.length)
  for (let i = 0; i < from.length; i++) toBits[i] = from[i]! << 16
}

/** Rounds to the nearest float16, ties to even; beyond 65504 by half a step or more is infinity, NaN stays NaN. */
export function roundToFloat16(from: Float32Array, to: Uint16Array): void {
  for (let i = 0; i < from.length; i++) {
    f32[0] = from[i]!
    const sign = (bits[0]! >>> 16) & 0x8000
    const magnitude = bits[0]! & 0x7fffffff
    to[i] = sign | float16Magnitude(magnitude)
  }
}

/** @param magnitude bits of a float32 without its sign */
function float16Magnitude(magnitude: number): number {
  if (magnitude > 0x7f800000) return 0x7e00
  if (magnitude >= 0x477ff000) return 0x7c00
  if (magnitude >= 0x38800000) {
    // Normal: rebias the exponent; the carry of rounding up runs into it as it should.
    return (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13
  }
  // Subnormal: adding 0.5 puts the unit of the last place where float16 has it, and the hardware rounds.
  bits[0] = magnitude
  f32[0] = f32[0]! + 0.5
  return bits[0]! - 0x3f000000
}

/** Rounds to the nearest bfloat16, ties to even; NaN stays NaN. */
export function roundToBfloat16(from: Float32Array, to: Uint16Array): void {
  const fromBits = new Uint32Array(from.buffer, from.byteOffset, from.length)
  for (let i = 0; i < fromBits.length; i++) {
    const value = fromBits[i]!
    const isNan = (value & 0x7fffffff) > 0x7f800000
    to[i] = isNan ? (value >>> 16) | 0x40 : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16
  }
}

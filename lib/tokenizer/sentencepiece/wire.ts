/** Protocol Buffers' wire format (https://protobuf.dev/programming-guides/encoding): the fields of a message, one after another. */

/** A number for the types of fixed or variable length; bytes are those of a text, of bytes or of a message. */
export type Field = { number: number; value: number | Uint8Array }

/** What a damaged message says of itself. */
export class WireError extends Error {}

const LONGEST_VARINT = 10

/**
 * 64-bit numbers beyond 2^53 lose digits; int32 and enumerations do not.
 * @throws WireError where the message ends within a field, or has one of no known type
 */
export function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const take = (count: number) => {
    if (count > bytes.length - at) throw new WireError(`it ends within the field at byte ${at}`)
    at += count
    return at - count
  }
  const varint = () => {
    let value = 0n
    for (let i = 0; i < LONGEST_VARINT; i++) {
      const byte = bytes[take(1)]!
      value |= BigInt(byte & 0x7f) << BigInt(7 * i)
      if (byte < 0x80) return Number(BigInt.asIntN(64, value))
    }
    throw new WireError(`the number at byte ${at - LONGEST_VARINT} has no end`)
  }
  while (at < bytes.length) {
    const from = at
    const tag = varint()
    const [number, type] = [Math.floor(tag / 8), tag & 7]
    if (number < 1) throw new WireError(`there is no field at byte ${from}`)
    if (type === 0) yield { number, value: varint() }
    else if (type === 1) yield { number, value: view.getFloat64(take(8), true) }
    else if (type === 5) yield { number, value: view.getFloat32(take(4), true) }
    else if (type === 2) {
      const length = varint()
      if (length < 0) throw new WireError(`the field at byte ${from} has no length`)
      const begin = take(length)
      yield { number, value: bytes.subarray(begin, begin + length) }
    } else throw new WireError(`the field at byte ${from} is of the unknown type ${type}`)
  }
}

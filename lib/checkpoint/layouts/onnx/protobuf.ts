/**
 * Messages of protobuf, encoded by hand: a library would want the whole file in memory, and of the format this takes a dozen
 * fields. Format: https://protobuf.dev/programming-guides/encoding/
 */

/** Bytes that are only known to be so many until their turn to be written comes. */
export type Later<T> = { bytes: number; content: T }

/** An encoded message, or some fields of one, which joined make a message. */
export type Message<T> = { bytes: number; pieces: (Uint8Array | Later<T>)[] }

const VARINT = 0
const LENGTH = 2
const FIXED32 = 5

export function join<T>(...parts: readonly Message<T>[]): Message<T> {
  return {
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    pieces: parts.flatMap(({ pieces }) => pieces),
  }
}

/** int64 or an enumeration. */
export function int(field: number, value: number): Message<never> {
  return of(tag(field, VARINT), varint(BigInt(value)))
}

export function float(field: number, value: number): Message<never> {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setFloat32(0, value, true)
  return of(tag(field, FIXED32), bytes)
}

export function text(field: number, value: string): Message<never> {
  return bytes(field, new TextEncoder().encode(value))
}

export function bytes(field: number, value: Uint8Array): Message<never> {
  return of(tag(field, LENGTH), varint(BigInt(value.length)), value)
}

/** Bytes that follow when the file is written. */
export function later<T>(field: number, value: Later<T>): Message<T> {
  return join<T>(of(tag(field, LENGTH), varint(BigInt(value.bytes))), { bytes: value.bytes, pieces: [value] })
}

export function message<T>(field: number, value: Message<T>): Message<T> {
  return join<T>(of(tag(field, LENGTH), varint(BigInt(value.bytes))), value)
}

/** A field for each of several values. */
export function repeated<V, T>(values: readonly V[], encode: (value: V) => Message<T>): Message<T> {
  return join(...values.map(encode))
}

function of(...pieces: Uint8Array[]): Message<never> {
  return { bytes: pieces.reduce((sum, { length }) => sum + length, 0), pieces }
}

const tag = (field: number, wire: number) => varint(BigInt((field << 3) | wire))

/** Seven bits a byte, the lowest first; negative numbers are those of 64 bits. */
function varint(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

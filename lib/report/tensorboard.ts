/**
 * Scalars as TensorBoard reads them: a TFRecord file of Event messages
 * (tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto).
 */

/** TensorBoard takes a file for one of events when its name holds `tfevents`. */
export const EVENT_FILE = 'events.out.tfevents.0.clipwright'

/** What a file of events begins with. @param seconds since 1970 */
export function fileHeader(seconds: number): Buffer {
  return record(Buffer.concat([double(1, seconds), bytes(3, Buffer.from('brain.Event:2'))])) // wall_time, file_version
}

/** One value of a curve. @param seconds since 1970 */
export function scalarEvent(tag: string, step: number, value: number, seconds: number): Buffer {
  const point = Buffer.concat([bytes(1, Buffer.from(tag)), float(2, value)]) // Summary.Value: tag, simple_value
  const summary = bytes(1, point) // Summary: value
  return record(Buffer.concat([double(1, seconds), integer(2, step), bytes(5, summary)])) // wall_time, step, summary
}

/** length u64, masked crc of the length, data, masked crc of the data. */
function record(data: Buffer): Buffer {
  const frame = Buffer.alloc(12 + data.length + 4)
  frame.writeBigUInt64LE(BigInt(data.length))
  frame.writeUInt32LE(maskedCrc(frame.subarray(0, 8)), 8)
  data.copy(frame, 12)
  frame.writeUInt32LE(maskedCrc(data), 12 + data.length)
  return frame
}

// ---- protocol buffers: a key (field · 8 + wire type), then the value

function double(field: number, value: number): Buffer {
  const out = Buffer.alloc(9)
  out[0] = (field << 3) | 1
  out.writeDoubleLE(value, 1)
  return out
}

function float(field: number, value: number): Buffer {
  const out = Buffer.alloc(5)
  out[0] = (field << 3) | 5
  out.writeFloatLE(value, 1)
  return out
}

function integer(field: number, value: number): Buffer {
  return Buffer.from([field << 3, ...varint(value)])
}

function bytes(field: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(value.length)]), value])
}

/** @param value whole, from 0 up */
function varint(value: number): number[] {
  const out: number[] = []
  for (; value > 127; value = Math.floor(value / 128)) out.push((value % 128) | 128)
  return [...out, value]
}

// ---- CRC-32C (RFC 3720, polynomial 0x1EDC6F41, bits reversed), masked so that a crc of data with crcs in it is no weaker

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of data) crc = TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

function maskedCrc(data: Uint8Array): number {
  const crc = crc32c(data)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/** Reads TensorBoard's files of events, as far as runs write them: to test what was written without what wrote it. */
import { readFileSync } from 'node:fs'

export type FileEvent = { seconds: number; step: number; version?: string; tag?: string; value?: number }

export function readEvents(path: string): FileEvent[] {
  const data = readFileSync(path)
  const events: FileEvent[] = []
  for (let at = 0; at < data.length; ) {
    const length = Number(data.readBigUInt64LE(at))
    events.push(event(data.subarray(at + 12, at + 12 + length)))
    at += 12 + length + 4
  }
  return events
}

function event(message: Buffer): FileEvent {
  const fields = fieldsOf(message)
  const summary = fields.get(5) as Buffer | undefined
  const value = summary && fieldsOf(fieldsOf(summary).get(1) as Buffer)
  return {
    seconds: (fields.get(1) as Buffer).readDoubleLE(),
    step: (fields.get(2) as number | undefined) ?? 0,
    ...(fields.has(3) && { version: String(fields.get(3)) }),
    ...(value && { tag: String(value.get(1)), value: (value.get(2) as Buffer).readFloatLE() }),
  }
}

/** Fields of a protocol buffer's message: whole numbers, or the bytes of anything else. */
function fieldsOf(message: Buffer): Map<number, number | Buffer> {
  const fields = new Map<number, number | Buffer>()
  let at = 0
  const varint = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++]!
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const key = varint()
    const type = key & 7
    if (type === 0) fields.set(key >> 3, varint())
    else {
      const length = type === 1 ? 8 : type === 5 ? 4 : varint()
      fields.set(key >> 3, message.subarray(at, at + length))
      at += length
    }
  }
  return fields
}

/** Reads ONNX's files back, without a library. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { widenFloat16 } from '../../../../lib/checkpoint/formats/half-precision.js'

export type Value = { shape: number[]; data: number[] }
export type OnnxNode = {
  op: string
  inputs: string[]
  outputs: string[]
  attributes: Record<string, number | number[]>
}
export type OnnxModel = {
  opset: number
  nodes: OnnxNode[]
  /** Of the file's numbers, and the types that they have there. */
  initializers: Map<string, Value & { type: number; external: boolean }>
  inputs: { name: string; shape: (number | string)[] }[]
  outputs: { name: string; shape: (number | string)[] }[]
}

type Fields = Map<number, (bigint | Buffer)[]>

/** Fields of a message by number. */
export function fieldsOf(bytes: Buffer): Fields {
  const fields: Fields = new Map()
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(bytes[at++]!)
      value |= (byte & 0x7fn) << shift
      if (byte < 0x80n) return BigInt.asIntN(64, value)
    }
  }
  const block = (length: number) => {
    if (at + length > bytes.length) throw new Error(`a field of ${length} bytes runs over the end of its message`)
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const wire = tag & 7
    const value = wire === 0 ? varint() : wire === 2 ? block(Number(varint())) : wire === 5 ? block(4) : undefined
    if (value === undefined) throw new Error(`wire type ${wire}`)
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value])
  }
  return fields
}

const blocks = (fields: Fields, field: number) => (fields.get(field) ?? []) as Buffer[]
const texts = (fields: Fields, field: number) => blocks(fields, field).map(String)
const ints = (fields: Fields, field: number) => (fields.get(field) ?? []).map(Number)

export function readModel(path: string): OnnxModel {
  const model = fieldsOf(readFileSync(path))
  const graph = fieldsOf(blocks(model, 7)[0]!)
  return {
    opset: ints(fieldsOf(blocks(model, 8)[0]!), 2)[0]!,
    nodes: blocks(graph, 1).map(nodeOf),
    initializers: new Map(blocks(graph, 5).map((tensor) => tensorOf(tensor, dirname(path)))),
    inputs: blocks(graph, 11).map(infoOf),
    outputs: blocks(graph, 12).map(infoOf),
  }
}

function nodeOf(bytes: Buffer): OnnxNode {
  const node = fieldsOf(bytes)
  const attributes = blocks(node, 5).map((attribute) => {
    const fields = fieldsOf(attribute)
    const [type] = ints(fields, 20)
    const value = type === 1 ? blocks(fields, 2)[0]!.readFloatLE() : type === 2 ? ints(fields, 3)[0]! : ints(fields, 8)
    return [texts(fields, 1)[0]!, value] as const
  })
  return {
    op: texts(node, 4)[0]!,
    inputs: texts(node, 1),
    outputs: texts(node, 2),
    attributes: Object.fromEntries(attributes),
  }
}

function tensorOf(bytes: Buffer, folder: string): [string, Value & { type: number; external: boolean }] {
  const fields = fieldsOf(bytes)
  const [type] = ints(fields, 2)
  const external = ints(fields, 14)[0] === 1
  const raw = external ? externalOf(blocks(fields, 13), folder) : blocks(fields, 9)[0]!
  return [texts(fields, 8)[0]!, { shape: ints(fields, 1), data: numbersOf(type!, raw), type: type!, external }]
}

function externalOf(entries: Buffer[], folder: string): Buffer {
  const pairs = entries.map((entry) => {
    const fields = fieldsOf(entry)
    return [texts(fields, 1)[0]!, texts(fields, 2)[0]!]
  })
  const { location, offset, length } = Object.fromEntries(pairs) as Record<string, string>
  const first = Number(offset)
  return readFileSync(join(folder, location!)).subarray(first, first + Number(length))
}

function numbersOf(type: number, raw: Buffer): number[] {
  const { buffer } = new Uint8Array(raw)
  if (type === 1) return [...new Float32Array(buffer)]
  if (type === 3) return [...new Int8Array(buffer)]
  if (type === 7) return Array.from(new BigInt64Array(buffer), Number)
  const widened = new Float32Array(raw.length / 2)
  widenFloat16(new Uint16Array(buffer), widened)
  return [...widened]
}

function infoOf(bytes: Buffer): { name: string; shape: (number | string)[] } {
  const info = fieldsOf(bytes)
  const tensor = fieldsOf(blocks(fieldsOf(blocks(info, 2)[0]!), 1)[0]!)
  const dimensions = blocks(fieldsOf(blocks(tensor, 2)[0]!), 1).map((dimension) => {
    const fields = fieldsOf(dimension)
    return texts(fields, 2)[0] ?? ints(fields, 1)[0]!
  })
  return { name: texts(info, 1)[0]!, shape: dimensions }
}

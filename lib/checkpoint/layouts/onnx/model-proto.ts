/** A graph as ONNX's ModelProto. Numbers of fields: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
import { packageVersion } from '../../../base/version.js'
import type { Attribute, Constant, Graph, Node, ValueInfo } from './graph.js'
import { bytes, float, int, join, type Later, later, type Message, message, repeated, text } from './protobuf.js'

/** LayerNormalization came with this one. The version of the format is the one that came with it. */
const OPSET = 17
const IR_VERSION = 8

/** TensorProto.DataType, and how many bytes one is. */
export const ELEMENT_TYPES = {
  f32: { code: 1, bytes: 4 },
  i8: { code: 3, bytes: 1 },
  i64: { code: 7, bytes: 8 },
  f16: { code: 10, bytes: 2 },
} as const
export type ElementType = keyof typeof ELEMENT_TYPES
const EXTERNAL = 1
/** AttributeProto.AttributeType */
const ATTRIBUTE_TYPES = { float: 1, int: 2, ints: 7 } as const

/** A tensor that the file holds, or names where in a file beside it lies. */
export type Weight<T> = {
  name: string
  shape: readonly number[]
  type: ElementType
  data: Later<T> | { location: string; offset: number; length: number }
}

/** @param nodes instead of the graph's own */
export function encodeModel<T>(
  graph: Graph,
  name: string,
  nodes: readonly Node[],
  weights: readonly Weight<T>[],
): Message<T> {
  return join<T>(
    int(1, IR_VERSION),
    text(2, 'clipwright'),
    text(3, packageVersion()),
    message(7, encodeGraph(graph, name, nodes, weights)),
    message(8, join(text(1, ''), int(2, OPSET))),
  )
}

function encodeGraph<T>(graph: Graph, name: string, nodes: readonly Node[], weights: readonly Weight<T>[]): Message<T> {
  return join<T>(
    repeated(nodes, (node) => message(1, encodeNode(node))),
    text(2, name),
    repeated(graph.constants, (constant) => message(5, encodeConstant(constant))),
    repeated(weights, (weight) => message(5, encodeWeight(weight))),
    repeated(graph.inputs, (info) => message(11, encodeInfo(info))),
    repeated(graph.outputs, (info) => message(12, encodeInfo(info))),
  )
}

function encodeNode({ op, inputs, output, more = [], attributes }: Node): Message<never> {
  return join(
    repeated(inputs, (input) => text(1, input)),
    repeated([output, ...more], (name) => text(2, name)),
    text(3, `${op}:${output}`),
    text(4, op),
    repeated(Object.entries(attributes), (attribute) => message(5, encodeAttribute(...attribute))),
  )
}

function encodeAttribute(name: string, value: Attribute): Message<never> {
  if (typeof value === 'number') return join(text(1, name), int(3, value), int(20, ATTRIBUTE_TYPES.int))
  if ('float' in value) return join(text(1, name), float(2, value.float), int(20, ATTRIBUTE_TYPES.float))
  return join(
    text(1, name),
    repeated(value, (item) => int(8, item)),
    int(20, ATTRIBUTE_TYPES.ints),
  )
}

const encodeShape = (shape: readonly number[]) => repeated(shape, (size) => int(1, size))

function encodeConstant({ name, shape, data }: Constant): Message<never> {
  const type = ELEMENT_TYPES[data instanceof Float32Array ? 'f32' : 'i64'].code
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return join(encodeShape(shape), int(2, type), text(8, name), bytes(9, raw))
}

function encodeWeight<T>({ name, shape, type, data }: Weight<T>): Message<T> {
  const described = join(encodeShape(shape), int(2, ELEMENT_TYPES[type].code), text(8, name))
  if (!('location' in data)) return join<T>(described, later(9, data))
  const entries = Object.entries(data).map(([key, value]) => join(text(1, key), text(2, String(value))))
  return join<T>(
    described,
    repeated(entries, (entry) => message(13, entry)),
    int(14, EXTERNAL),
  )
}

function encodeInfo({ name, type, shape }: ValueInfo): Message<never> {
  const dimensions = repeated(shape, (size) => message(1, typeof size === 'number' ? int(1, size) : text(2, size)))
  const tensor = join(int(1, ELEMENT_TYPES[type].code), message(2, dimensions))
  return join(text(1, name), message(2, message(1, tensor)))
}

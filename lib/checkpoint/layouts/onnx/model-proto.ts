/** A graph as ONNX's ModelProto. Numbers of fields: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
import { packageVersion } from '../../../base/version.js'
import type { Attribute, Constant, Graph, Node, ValueInfo } from './graph.js'
import { bytes, float, int, join, type Later, later, type Message, message, repeated, text } from './protobuf.js'

/** LayerNormalization came with this one. The version of the format is the one that came with it. */
const OPSET = 17
const IR_VERSION = 8

/** TensorProto.DataType */
const DATA_TYPES = { f32: 1, i64: 7, f16: 10 } as const
const EXTERNAL = 1
/** AttributeProto.AttributeType */
const ATTRIBUTE_TYPES = { float: 1, int: 2, ints: 7 } as const

/** A weight that the file holds, or names where in a file beside it lies. */
export type Weight<T> = {
  name: string
  shape: readonly number[]
  half: boolean
  data: Later<T> | { location: string; offset: number; length: number }
}

export function encodeModel<T>(graph: Graph, name: string, weights: readonly Weight<T>[]): Message<T> {
  return join<T>(
    int(1, IR_VERSION),
    text(2, 'clipwright'),
    text(3, packageVersion()),
    message(7, encodeGraph(graph, name, weights)),
    message(8, join(text(1, ''), int(2, OPSET))),
  )
}

function encodeGraph<T>(graph: Graph, name: string, weights: readonly Weight<T>[]): Message<T> {
  const widened = weights.filter(({ half }) => half).map(({ name }) => widen(name))
  return join<T>(
    repeated([...widened, ...graph.nodes], (node) => message(1, encodeNode(node))),
    text(2, name),
    repeated(graph.constants, (constant) => message(5, encodeConstant(constant))),
    repeated(weights, (weight) => message(5, encodeWeight(weight))),
    repeated(graph.inputs, (info) => message(11, encodeInfo(info))),
    repeated(graph.outputs, (info) => message(12, encodeInfo(info))),
  )
}

/** What is stored narrow is widened before it is used: it is computed with in f32, on every device. */
const widen = (name: string): Node => ({
  op: 'Cast',
  inputs: [halfName(name)],
  output: name,
  attributes: { to: DATA_TYPES.f32 },
})

const halfName = (name: string) => `${name}.fp16`

function encodeNode({ op, inputs, output, attributes }: Node): Message<never> {
  return join(
    repeated(inputs, (input) => text(1, input)),
    text(2, output),
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
  const type = data instanceof Float32Array ? DATA_TYPES.f32 : DATA_TYPES.i64
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return join(encodeShape(shape), int(2, type), text(8, name), bytes(9, raw))
}

function encodeWeight<T>({ name, shape, half, data }: Weight<T>): Message<T> {
  const type = half ? DATA_TYPES.f16 : DATA_TYPES.f32
  const described = join(encodeShape(shape), int(2, type), text(8, half ? halfName(name) : name))
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
  const tensor = join(int(1, DATA_TYPES[type]), message(2, dimensions))
  return join(text(1, name), message(2, message(1, tensor)))
}

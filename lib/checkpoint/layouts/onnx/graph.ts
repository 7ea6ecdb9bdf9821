/** A graph of ONNX operators, built node by node. Values are named by what makes them. */
import { ClipwrightError } from '../../../base/errors.js'

/** Each dimension is a size, or the name of one that callers choose. */
export type ValueInfo = { name: string; type: 'f32' | 'i64'; shape: readonly (number | string)[] }

export type Attribute = number | { float: number } | readonly number[]

export type Node = {
  op: string
  inputs: readonly string[]
  output: string
  /** Of operators that make several values. */
  more?: readonly string[]
  attributes: Readonly<Record<string, Attribute>>
}

/** Numbers that are no weights. */
export type Constant = { name: string; shape: readonly number[]; data: Float32Array | BigInt64Array }

/** What the graph takes of the model. */
export type WeightShapes = ReadonlyMap<string, { shape: readonly number[] }>

export class Graph {
  readonly nodes: Node[] = []
  readonly constants: Constant[] = []
  readonly inputs: ValueInfo[] = []
  readonly outputs: ValueInfo[] = []
  /** Names of those that nodes take, in the order of their first use. */
  readonly weights = new Set<string>()
  readonly #available: WeightShapes
  readonly #counts = new Map<string, number>()

  constructor(available: WeightShapes) {
    this.#available = available
  }

  /** @returns the name of what the node makes */
  node(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const output = this.#named(op)
    this.nodes.push({ op, inputs, output, attributes })
    return output
  }

  input(info: ValueInfo): string {
    this.inputs.push(info)
    return info.name
  }

  /** Gives a value the name of an output. */
  output(info: ValueInfo, value: string): void {
    this.nodes.push({ op: 'Identity', inputs: [value], output: info.name, attributes: {} })
    this.outputs.push(info)
  }

  /** @throws ClipwrightError ERR_UNSUPPORTED when the model has no such weight: its tower is another than this graph's */
  weight(name: string): string {
    if (!this.#available.has(name)) {
      const message = `Layout "onnx" has no graph for this model: it would need the weight ${JSON.stringify(name)}, which the model has not.`
      throw new ClipwrightError('ERR_UNSUPPORTED', message)
    }
    this.weights.add(name)
    return name
  }

  /** Without a shape it is a vector. */
  ints(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.#constant('ints', shape, BigInt64Array.from(values, BigInt))
  }

  floats(values: ArrayLike<number>, shape: readonly number[]): string {
    return this.#constant('floats', shape, Float32Array.from(values))
  }

  scalar(value: number): string {
    return this.floats([value], [])
  }

  #constant(kind: string, shape: readonly number[], data: Constant['data']): string {
    const name = this.#named(kind)
    this.constants.push({ name, shape, data })
    return name
  }

  #named(what: string): string {
    const count = this.#counts.get(what) ?? 0
    this.#counts.set(what, count + 1)
    return `${what}_${count}`
  }
}

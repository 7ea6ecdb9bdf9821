/**
 * Weights of eight bits, as onnxruntime's `quantize_dynamic` writes them: a product takes its rows rounded to eight bits as they
 * come (DynamicQuantizeLinear), multiplies whole numbers (MatMulInteger), and scales. Each column of a weight has a scale of its
 * own, each row of a table that is looked up in, too; norms, biases, positions and patches stay f32.
 */
import type { Graph, Node } from './graph.js'
import { ELEMENT_TYPES } from './model-proto.js'
import { plain, type Source, type Sources, type Stored, type StoredGraph } from './stored.js'

/** Symmetric: there is no zero point to take off. */
const LARGEST = 127

/** Along which dimension of a matrix [rows, columns] a scale stands for all. */
type Axis = 'rows' | 'columns'

export function quantized(graph: Graph, sources: Sources): StoredGraph {
  const rewriter = new Rewriter()
  const axes = new Map<string, Axis>()
  for (const name of graph.weights) {
    const axis = axisOf(name, graph.nodes, sources.get(name)!.shape)
    if (axis) axes.set(name, axis)
  }
  for (const node of graph.nodes) {
    const [first, second] = node.inputs
    if (node.op === 'MatMul' && axes.get(second!) === 'columns') rewriter.product(node)
    else if (node.op === 'Gather' && axes.get(first!) === 'rows') rewriter.lookup(node)
    else rewriter.nodes.push(node)
  }
  const tensors = Array.from(graph.weights).flatMap((name) => {
    const source = sources.get(name)!
    const axis = axes.get(name)
    return axis ? parts(name, source, axis) : [plain(name, source)]
  })
  return { nodes: rewriter.nodes, tensors }
}

const wholeName = (weight: string) => `${weight}.int8`
const scaleName = (weight: string) => `${weight}.scale`

/** Undefined for weights that something else than products, or than looking up, takes. */
function axisOf(name: string, nodes: readonly Node[], shape: readonly number[]): Axis | undefined {
  if (shape.length !== 2) return undefined
  const uses = nodes.filter(({ inputs }) => inputs.includes(name))
  if (uses.every(({ op, inputs }) => op === 'MatMul' && inputs[1] === name && inputs[0] !== name)) return 'columns'
  if (uses.every(({ op, inputs }) => op === 'Gather' && inputs[0] === name)) return 'rows'
  return undefined
}

class Rewriter {
  readonly nodes: Node[] = []
  /** Values that several products take are rounded once. */
  readonly #rounded = new Map<string, { whole: string; scale: string; zero: string }>()

  /** [..., in] by [in, out] */
  product({ inputs: [x, weight], output }: Node): void {
    const rows = this.#round(x!)
    const counted = this.#add('MatMulInteger', [rows.whole, wholeName(weight!), rows.zero], `${output}.counted`)
    const numbers = this.#add('Cast', [counted], `${output}.numbers`, { to: ELEMENT_TYPES.f32.code })
    const scale = this.#add('Mul', [rows.scale, scaleName(weight!)], `${output}.scale`)
    this.#add('Mul', [numbers, scale], output)
  }

  /** Rows of a table. */
  lookup({ inputs: [table, ids], output, attributes }: Node): void {
    const whole = this.#add('Gather', [wholeName(table!), ids!], `${output}.whole`, attributes)
    const numbers = this.#add('Cast', [whole], `${output}.numbers`, { to: ELEMENT_TYPES.f32.code })
    const scale = this.#add('Gather', [scaleName(table!), ids!], `${output}.scale`, attributes)
    this.#add('Mul', [numbers, scale], output)
  }

  #round(x: string) {
    const known = this.#rounded.get(x)
    if (known) return known
    const made = { whole: `${x}.uint8`, scale: `${x}.step`, zero: `${x}.zero` }
    const more = [made.scale, made.zero]
    this.nodes.push({ op: 'DynamicQuantizeLinear', inputs: [x], output: made.whole, more, attributes: {} })
    this.#rounded.set(x, made)
    return made
  }

  #add(op: string, inputs: readonly string[], output: string, attributes: Node['attributes'] = {}): string {
    this.nodes.push({ op, inputs, output, attributes })
    return output
  }
}

/** Its whole numbers, and what a step of them is worth: [out] by columns, [rows, 1] by rows. */
function parts(name: string, { shape, read }: Source, axis: Axis): Stored[] {
  const [rows, columns] = shape as [number, number]
  const along = axis === 'rows' ? [rows, 1] : [columns]
  return [
    {
      name: wholeName(name),
      shape,
      type: 'i8',
      async read() {
        const values = (await read()) as Float32Array
        return rounded(values, stepsOf(values, columns, axis), columns, axis)
      },
    },
    {
      name: scaleName(name),
      shape: along,
      type: 'f32',
      read: async () => stepsOf((await read()) as Float32Array, columns, axis),
    },
  ]
}

/** The largest of each row or column is 127 steps. */
function stepsOf(values: Float32Array, columns: number, axis: Axis): Float32Array {
  const steps = new Float32Array(axis === 'rows' ? values.length / columns : columns)
  for (let at = 0, row = 0; at < values.length; row++) {
    for (let column = 0; column < columns; column++, at++) {
      const place = axis === 'rows' ? row : column
      const size = Math.abs(values[at]!)
      if (size > steps[place]!) steps[place] = size
    }
  }
  return steps.map((largest) => largest / LARGEST)
}

function rounded(values: Float32Array, steps: Float32Array, columns: number, axis: Axis): Int8Array {
  const whole = new Int8Array(values.length)
  for (let at = 0, row = 0; at < values.length; row++) {
    for (let column = 0; column < columns; column++, at++) {
      const step = steps[axis === 'rows' ? row : column]!
      // A column of zeros has no step.
      if (step > 0) whole[at] = Math.max(-LARGEST, Math.min(LARGEST, Math.round(values[at]! / step)))
    }
  }
  return whole
}

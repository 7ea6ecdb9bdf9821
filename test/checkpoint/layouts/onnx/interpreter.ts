/** Runs the operators that layout "onnx" writes, in doubles: what https://onnx.ai/onnx/operators says of opset 17. */
import type { OnnxModel, OnnxNode, Value } from './decode.js'

type Attributes = OnnxNode['attributes']
type Operator = (inputs: Value[], attributes: Attributes) => Value

const count = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1)
const stridesOf = (shape: readonly number[]) => shape.map((_, axis) => count(shape.slice(axis + 1)))
const positive = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis)

/** Values of a shape from each index. */
function build(shape: number[], value: (index: number[]) => number): Value {
  const strides = stridesOf(shape)
  const data = Array.from({ length: count(shape) }, (_, at) =>
    value(shape.map((size, axis) => Math.floor(at / strides[axis]!) % size)),
  )
  return { shape, data }
}

/** At an index of a shape that this one extends to. */
function at({ shape, data }: Value, index: readonly number[]): number {
  const own = index.slice(index.length - shape.length)
  const strides = stridesOf(shape)
  return data[shape.reduce((sum, size, axis) => sum + (size === 1 ? 0 : own[axis]! * strides[axis]!), 0)]!
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length)
  const padded = (shape: readonly number[]) => [...Array(rank - shape.length).fill(1), ...shape] as number[]
  const [left, right] = [padded(a), padded(b)]
  return left.map((size, axis) => {
    const other = right[axis]!
    if (size !== other && size !== 1 && other !== 1) throw new Error(`[${a}] and [${b}] do not go together`)
    return size === 1 ? other : size
  })
}

const pairwise =
  (f: (a: number, b: number) => number): Operator =>
  ([a, b]) => {
    const shape = broadcast(a!.shape, b!.shape)
    // Where the last dimensions are all of b, it repeats; most often it is a scalar, or a bias.
    const repeats =
      count(shape) === a!.data.length && shape.slice(shape.length - b!.shape.length).join() === b!.shape.join()
    if (repeats) return { shape, data: a!.data.map((x, i) => f(x, b!.data[i % b!.data.length]!)) }
    return build(shape, (index) => f(at(a!, index), at(b!, index)))
  }

const each =
  (f: (x: number) => number): Operator =>
  ([x]) => ({ shape: x!.shape, data: x!.data.map(f) })

/** Of each row of the last axis. */
function rows({ shape, data }: Value, f: (row: number[]) => number[]): number[] {
  const width = shape.at(-1)!
  return Array.from({ length: data.length / width }, (_, i) => f(data.slice(i * width, (i + 1) * width))).flat()
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)

/** Abramowitz and Stegun 7.1.26, within 1.5e-7. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x))
  const poly = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
  return Math.sign(x) * (1 - poly * Math.exp(-x * x))
}

const reshape: Operator = ([x, wanted]) => {
  const shape = wanted!.data.map((size, axis) => (size === 0 ? x!.shape[axis]! : size))
  const known = count(shape.filter((size) => size !== -1))
  const full = shape.map((size) => (size === -1 ? x!.data.length / known : size))
  if (count(full) !== x!.data.length) throw new Error(`[${x!.shape}] cannot be [${full}]`)
  return { shape: full, data: x!.data }
}

const matMul: Operator = ([a, b]) => {
  const outer = broadcast(a!.shape.slice(0, -2), b!.shape.slice(0, -2))
  const [m, inner] = a!.shape.slice(-2) as [number, number]
  const [depth, n] = b!.shape.slice(-2) as [number, number]
  if (inner !== depth) throw new Error(`MatMul of [${a!.shape}] and [${b!.shape}]`)
  // Where the matrices of each product begin.
  const starts = [a!, b!].map(({ shape }) => {
    const batch = shape.slice(0, -2)
    const first = Array.from({ length: count(batch) }, (_, i) => i * shape.at(-2)! * shape.at(-1)!)
    return build(outer, (index) => at({ shape: batch, data: first }, index)).data
  })
  const data: number[] = []
  for (let i = 0; i < starts[0]!.length; i++) {
    for (let row = 0; row < m; row++) {
      for (let column = 0; column < n; column++) {
        let [left, right, total] = [starts[0]![i]! + row * inner, starts[1]![i]! + column, 0]
        for (let k = 0; k < inner; k++, right += n) total += a!.data[left++]! * b!.data[right]!
        data.push(total)
      }
    }
  }
  return { shape: [...outer, m, n], data }
}

const gather: Operator = ([table, ids], { axis }) => {
  const k = positive(axis as number, table!.shape.length)
  const shape = [...table!.shape.slice(0, k), ...ids!.shape, ...table!.shape.slice(k + 1)]
  return build(shape, (index) => {
    const said = at(ids!, index.slice(k, k + ids!.shape.length))
    const id = positive(said, table!.shape[k]!)
    if (id < 0 || id >= table!.shape[k]!) throw new Error(`Gather of ${said} from [${table!.shape}]`)
    return at(table!, [...index.slice(0, k), id, ...index.slice(k + ids!.shape.length)])
  })
}

const conv: Operator = ([x, w], { kernel_shape, strides }) => {
  const [side] = kernel_shape as number[]
  const [stride] = strides as number[]
  const [n, channels, height, width] = x!.shape as [number, number, number, number]
  const grid = [height, width].map((size) => Math.floor((size - side!) / stride!) + 1)
  return build([n, w!.shape[0]!, ...grid], ([image, out, row, column]) => {
    let total = 0
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < side!; i++)
        for (let j = 0; j < side!; j++)
          total += at(x!, [image!, c, row! * stride! + i, column! * stride! + j]) * at(w!, [out!, c, i, j])
    return total
  })
}

const slice: Operator = ([x, starts, ends, axes]) => {
  const from = x!.shape.map(() => 0)
  const shape = [...x!.shape]
  for (const [i, axis] of axes!.data.entries()) {
    from[axis] = starts!.data[i]!
    shape[axis] = Math.min(ends!.data[i]!, x!.shape[axis]!) - from[axis]!
  }
  return build(shape, (index) =>
    at(
      x!,
      index.map((position, axis) => position + from[axis]!),
    ),
  )
}

const concat: Operator = (inputs, { axis }) => {
  const k = axis as number
  const shape = [...inputs[0]!.shape]
  shape[k] = sum(inputs.map((input) => input.shape[k]!))
  return build(shape, (index) => {
    let position = index[k]!
    let which = 0
    while (position >= inputs[which]!.shape[k]!) position -= inputs[which++]!.shape[k]!
    const own = index.map((i, axis) => (axis === k ? position : i))
    return at(inputs[which]!, own)
  })
}

const reduceLast =
  (f: (row: number[]) => number): Operator =>
  ([x]) => ({ shape: [...x!.shape.slice(0, -1), 1], data: rows(x!, (row) => [f(row)]) })

const OPERATORS: Record<string, Operator> = {
  Identity: ([x]) => x!,
  Cast: ([x]) => x!,
  Add: pairwise((a, b) => a + b),
  Sub: pairwise((a, b) => a - b),
  Mul: pairwise((a, b) => a * b),
  Div: pairwise((a, b) => a / b),
  Max: pairwise(Math.max),
  Equal: pairwise((a, b) => Number(a === b)),
  Erf: each(erf),
  Tanh: each(Math.tanh),
  Exp: each(Math.exp),
  Sigmoid: each((x) => 1 / (1 + Math.exp(-x))),
  MatMul: matMul,
  Conv: conv,
  Gather: gather,
  Reshape: reshape,
  Slice: slice,
  Concat: concat,
  Shape: ([x]) => ({ shape: [x!.shape.length], data: x!.shape }),
  Expand: ([x, shape]) => build(broadcast(x!.shape, shape!.data), (index) => at(x!, index)),
  Unsqueeze: ([x, axes]) => {
    const shape = [...x!.shape]
    for (const axis of axes!.data) shape.splice(axis, 0, 1)
    return { shape, data: x!.data }
  },
  Squeeze: ([x, axes]) => ({ shape: x!.shape.filter((_, axis) => !axes!.data.includes(axis)), data: x!.data }),
  Transpose: ([x], { perm }) => {
    const order = perm as number[]
    return build(
      order.map((axis) => x!.shape[axis]!),
      (index) =>
        at(
          x!,
          order.map((_, axis) => index[order.indexOf(axis)]!),
        ),
    )
  },
  Softmax: ([x]) => ({
    shape: x!.shape,
    data: rows(x!, (row) => {
      const exps = row.map((value) => Math.exp(value - Math.max(...row)))
      return exps.map((value) => value / sum(exps))
    }),
  }),
  LayerNormalization: ([x, scale, bias], { epsilon }) => ({
    shape: x!.shape,
    data: rows(x!, (row) => {
      const mean = sum(row) / row.length
      const variance = sum(row.map((value) => (value - mean) ** 2)) / row.length
      const inverse = 1 / Math.sqrt(variance + (epsilon as number))
      return row.map((value, i) => (value - mean) * inverse * scale!.data[i]! + bias!.data[i]!)
    }),
  }),
  ReduceL2: reduceLast((row) => Math.hypot(...row)),
  ReduceSum: reduceLast(sum),
  ArgMax: ([x]) => ({ shape: x!.shape.slice(0, -1), data: rows(x!, (row) => [row.indexOf(Math.max(...row))]) }),
  GatherND: ([x, indices]) => {
    const [n, , width] = x!.shape as [number, number, number]
    return build([n, width], ([row, column]) => at(x!, [row!, at(indices!, [row!, 0]), column!]))
  },
}

export function runModel({ nodes, initializers, outputs }: OnnxModel, inputs: Record<string, Value>) {
  const values = new Map<string, Value>([...initializers, ...Object.entries(inputs)])
  for (const { op, inputs, outputs, attributes } of nodes) {
    const operator = OPERATORS[op]
    if (!operator) throw new Error(`no operator ${op}`)
    const operands = inputs.map((name) => {
      const value = values.get(name)
      if (!value) throw new Error(`${op} takes ${name}, which nothing before it makes`)
      return value
    })
    values.set(outputs[0]!, operator(operands, attributes))
  }
  return Object.fromEntries(outputs.map(({ name }) => [name, values.get(name)!]))
}

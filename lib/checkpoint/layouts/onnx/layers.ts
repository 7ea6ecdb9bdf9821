/** What towers are made of, as ONNX operators (opset 17). B rows of a batch, S positions, D width. */
import { ClipwrightError } from '../../../base/errors.js'
import type { NativeActivation } from '../../../native/names.js'
import type { Graph } from './graph.js'

/** x [..., in] to [..., out] by a weight [in, out]. */
export function linear(g: Graph, x: string, weight: string, bias?: string): string {
  const product = g.node('MatMul', [x, g.weight(weight)])
  return bias === undefined ? product : g.node('Add', [product, g.weight(bias)])
}

export function layerNorm(g: Graph, x: string, name: string, eps: number): string {
  const inputs = [x, g.weight(`${name}.weight`), g.weight(`${name}.bias`)]
  return g.node('LayerNormalization', inputs, { axis: -1, epsilon: { float: eps } })
}

/** Rows of length 1. */
export function normalized(g: Graph, x: string): string {
  const length = g.node('ReduceL2', [x], { axes: [-1], keepdims: 1 })
  // As PyTorch's normalize, which the core follows, so that a row of zeros stays one.
  return g.node('Div', [x, g.node('Max', [length, g.scalar(1e-12)])])
}

const ACTIVATIONS: Readonly<Record<NativeActivation, (g: Graph, x: string) => string>> = {
  gelu: (g, x) => {
    const erf = g.node('Erf', [g.node('Div', [x, g.scalar(Math.SQRT2)])])
    return half(g, x, erf)
  },
  gelu_tanh: (g, x) => {
    const cube = g.node('Mul', [g.node('Mul', [x, x]), x])
    const inner = g.node('Add', [x, g.node('Mul', [cube, g.scalar(0.044715)])])
    return half(g, x, g.node('Tanh', [g.node('Mul', [inner, g.scalar(Math.sqrt(2 / Math.PI))])]))
  },
  quick_gelu: (g, x) => g.node('Mul', [x, g.node('Sigmoid', [g.node('Mul', [x, g.scalar(1.702)])])]),
}

/** x·(1 + y)/2 */
function half(g: Graph, x: string, y: string): string {
  return g.node('Mul', [g.node('Mul', [x, g.node('Add', [y, g.scalar(1)])]), g.scalar(0.5)])
}

/** @throws ClipwrightError ERR_UNSUPPORTED for an activation that has no graph */
export function activate(g: Graph, x: string, activation: NativeActivation): string {
  const build = Object.hasOwn(ACTIVATIONS, activation) ? ACTIVATIONS[activation] : undefined
  if (build) return build(g, x)
  throw new ClipwrightError('ERR_UNSUPPORTED', `Layout "onnx" has no graph for the activation "${activation}".`)
}

/** Names of a layer's two parts, without `.weight` and `.bias`. */
type Mlp = { fc: string; proj: string }

export function mlp(g: Graph, x: string, { fc, proj }: Mlp, activation: NativeActivation): string {
  const hidden = activate(g, linear(g, x, `${fc}.weight`, `${fc}.bias`), activation)
  return linear(g, hidden, `${proj}.weight`, `${proj}.bias`)
}

export type Attention = {
  width: number
  heads: number
  /** Of queries, keys and values, and of what comes after them: names of `weight` and `bias` each. */
  query: Affine
  key: Affine
  value: Affine
  out: Affine
  /** [B, S, D] of which keys and values are made, where they are not x. */
  rows?: string
  /** Added to the scores [B, heads, S, S], to whose shape it extends. */
  bias?: string | undefined
}

export type Affine = { weight: string; bias: string }

/** Names of the parts of a layer of open_clip's, as `onnxNames` has them. @param name what stands before the dot */
export function inProjection(name: string): Pick<Attention, 'query' | 'key' | 'value' | 'out'> {
  const part = (letter: string) => ({ weight: `${name}.${letter}_proj_weight`, bias: `${name}.${letter}_proj_bias` })
  const out = { weight: `${name}.out_proj.weight`, bias: `${name}.out_proj.bias` }
  return { query: part('q'), key: part('k'), value: part('v'), out }
}

/** x [B, S, D] */
export function attention(g: Graph, x: string, o: Attention): string {
  const headWidth = o.width / o.heads
  const project = (y: string, { weight, bias }: Affine) => linear(g, y, weight, bias)
  const from = o.rows ?? x
  // A 0 keeps the dimension as it is.
  const split = g.ints([0, 0, o.heads, headWidth])
  const heads = (y: string, perm: readonly number[]) => g.node('Transpose', [g.node('Reshape', [y, split])], { perm })
  const query = heads(project(x, o.query), [0, 2, 1, 3])
  const key = heads(project(from, o.key), [0, 2, 3, 1])
  const value = heads(project(from, o.value), [0, 2, 1, 3])
  const products = g.node('Mul', [g.node('MatMul', [query, key]), g.scalar(1 / Math.sqrt(headWidth))])
  const scores = o.bias === undefined ? products : g.node('Add', [products, o.bias])
  const mixed = g.node('MatMul', [g.node('Softmax', [scores], { axis: -1 }), value])
  const rows = g.node('Reshape', [g.node('Transpose', [mixed], { perm: [0, 2, 1, 3] }), g.ints([0, 0, o.width])])
  return linear(g, rows, o.out.weight, o.out.bias)
}

/** Rows [B, S, D] of pictures, one for each patch. @param weight of the convolution */
export function patchRows(
  g: Graph,
  pixels: string,
  weight: string,
  { patchSize: patch, width }: { patchSize: number; width: number },
): string {
  const strides = [patch, patch]
  const grid = g.node('Conv', [pixels, g.weight(weight)], { kernel_shape: strides, strides })
  return g.node('Transpose', [g.node('Reshape', [grid, g.ints([0, width, -1])])], { perm: [0, 2, 1] })
}

/** Rows [B, D] of x [B, S, D], one at each position of [B]. */
export function rowsAt(g: Graph, x: string, positions: string): string {
  return g.node('GatherND', [x, g.node('Unsqueeze', [positions, g.ints([1])])], { batch_dims: 1 })
}

/** S rows of a table from the row `first` on, where ids are [B, S]. */
export function positionRows(g: Graph, ids: string, table: string, first = 0): string {
  const length = lengthOf(g, ids)
  const end = first === 0 ? length : g.node('Add', [length, g.ints([first])])
  return g.node('Slice', [g.weight(table), g.ints([first]), end, g.ints([0])])
}

/** [1]: S of ids [B, S]. */
export function lengthOf(g: Graph, ids: string): string {
  return g.node('Gather', [g.node('Shape', [ids]), g.ints([1])], { axis: 0 })
}

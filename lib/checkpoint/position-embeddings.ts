/**
 * Position embeddings of another size, resized as open_clip's `load_checkpoint` does (`resize_pos_embed` and
 * `resize_text_pos_embed` in `src/open_clip/model.py`).
 */

/** From a table of positions [from, width] to one of [to, width], row-major. */
export type Resizing = {
  /** For messages: `from 7 x 7 to 14 x 14 patches`. */
  what: string
  resize(values: Float32Array): Float32Array
}

/** By the core's names. BERT's tables are not among them: open_clip leaves them as they are. */
const KINDS: Readonly<Record<string, (from: number, to: number, width: number) => Resizing | undefined>> = {
  'visual.positional_embedding': patches,
  'visual.trunk.pos_embed': patches,
  positional_embedding: tokens,
}

/** How a parameter comes from a stored tensor of another shape; undefined when it does not. */
export function resizingOf(
  parameter: string,
  stored: readonly number[],
  shape: readonly number[],
): Resizing | undefined {
  const [from, width] = rowsOf(stored)
  const [to, wanted] = rowsOf(shape)
  if (stored.length !== shape.length || rowsOf(stored).length !== 2 || width !== wanted || !from || !to || !width)
    return undefined
  return KINDS[parameter]?.(from, to, width)
}

/** timm's tables lie in a dimension of one. */
const rowsOf = (shape: readonly number[]) => (shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape)

/** The class token's row, where the tower has one, then a square of patches. */
function patches(from: number, to: number, width: number): Resizing | undefined {
  const before = Number.isInteger(Math.sqrt(to)) ? 0 : 1
  const [old, side] = [Math.sqrt(from - before), Math.sqrt(to - before)]
  if (!Number.isInteger(old) || !Number.isInteger(side) || old < 1) return undefined
  const weights = cubicWeights(old, side)
  return {
    what: `the image tower's position embedding was resized from ${old} x ${old} to ${side} x ${side} patches (bicubic)`,
    resize(values) {
      const out = new Float32Array(to * width)
      out.set(values.subarray(0, before * width))
      // Rows of patches as they lie: first along each row, then down the columns.
      const across = mix(values.subarray(before * width), weights, { lines: old, length: old, width })
      const turned = exchange(across, old, side, width)
      const down = mix(turned, weights, { lines: side, length: old, width })
      out.set(exchange(down, side, side, width), before * width)
      return out
    },
  }
}

function tokens(from: number, to: number, width: number): Resizing {
  return {
    what: `the text tower's position embedding was resized from ${from} to ${to} tokens (linear)`,
    resize: (values) => mix(values, linearWeights(from, to), { lines: 1, length: from, width }),
  }
}

/** Of an output position: the first input position, and the weight of it and those after it. */
type Weights = readonly { first: number; weights: readonly number[] }[]

/** Each line of `length` rows of `width` values becomes one with a row for each output position. */
function mix(
  values: Float32Array,
  outputs: Weights,
  { lines, length, width }: Record<'lines' | 'length' | 'width', number>,
) {
  const out = new Float32Array(lines * outputs.length * width)
  for (let line = 0; line < lines; line++) {
    for (const [i, { first, weights }] of outputs.entries()) {
      const to = (line * outputs.length + i) * width
      for (let c = 0; c < width; c++) {
        let sum = 0
        for (const [k, weight] of weights.entries()) sum += weight * values[(line * length + first + k) * width + c]!
        out[to + c] = sum
      }
    }
  }
  return out
}

/** [rows, cols, width] → [cols, rows, width] */
function exchange(values: Float32Array, rows: number, cols: number, width: number): Float32Array {
  const out = new Float32Array(values.length)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      const from = (r * cols + c) * width
      out.set(values.subarray(from, from + width), (c * rows + r) * width)
    }
  }
  return out
}

/** torch's bicubic with antialias, which is Pillow's: the kernel of a = -0.5, stretched where it shrinks. */
function cubicWeights(from: number, to: number): Weights {
  const scale = from / to
  const stretch = Math.max(scale, 1)
  return Array.from({ length: to }, (_, i) => {
    const centre = scale * (i + 0.5)
    const first = Math.max(Math.trunc(centre - 2 * stretch + 0.5), 0)
    const end = Math.min(Math.trunc(centre + 2 * stretch + 0.5), from)
    const raw = Array.from({ length: end - first }, (_, k) => cubic((k + first - centre + 0.5) / stretch))
    const sum = raw.reduce((a, b) => a + b, 0)
    return { first, weights: raw.map((weight) => weight / sum) }
  })
}

/** https://en.wikipedia.org/wiki/Bicubic_interpolation#Bicubic_convolution_algorithm */
function cubic(distance: number): number {
  const a = -0.5
  const x = Math.abs(distance)
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
}

/** torch's linear without antialias, align_corners false. */
function linearWeights(from: number, to: number): Weights {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.max((i + 0.5) * (from / to) - 0.5, 0)
    const first = Math.min(Math.floor(at), from - 1)
    const share = at - first
    return first + 1 < from ? { first, weights: [1 - share, share] } : { first, weights: [1] }
  })
}

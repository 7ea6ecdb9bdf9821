/** Weights as a graph takes them: the core's names, matrices [in, out], and q, k and v apart. */
import type { TensorNames } from '../layout.js'
import { type ParameterShape, type StoredPart, transposed, whole } from '../stored-parts.js'

/** What the core keeps [in, out], or is no matrix of a product. */
const AS_IT_IS = /(^|\.)(proj|text_projection|positional_embedding|\w+_embeddings?\.weight)$|^text\.proj\.weight$/

export const onnxNames: TensorNames = { partsOf, ignores: () => false }

function partsOf(parameter: ParameterShape): StoredPart[] {
  const { name, shape } = parameter
  const joined = /\.attn\.in_proj_(weight|bias)$/.exec(name)
  if (joined) return ['q', 'k', 'v'].map((part, i) => partOf(parameter, name.replace('in_proj', `${part}_proj`), i))
  if (shape.length !== 2 || AS_IT_IS.test(name)) return [whole(parameter, name)]
  return [transposed(parameter, name)]
}

/** A third of in_proj. */
function partOf({ shape }: ParameterShape, name: string, i: number): StoredPart {
  const [rows, ...cols] = shape as [number, ...number[]]
  const third = rows / 3
  const first = i * third * (cols[0] ?? 1)
  return { name, shape: [...cols, third], first, transposed: cols.length > 0 }
}

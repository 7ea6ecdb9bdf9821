/** softmax of scale · values, in doubles. */
export function softmax(values: Float64Array, scale: number): number[] {
  const logits = Array.from(values, (x) => scale * x)
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const weights = logits.map((x) => Math.exp(x - largest))
  const total = weights.reduce((a, b) => a + b, 0)
  return weights.map((w) => w / total)
}

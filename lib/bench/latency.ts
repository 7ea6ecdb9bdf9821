/** What a message costs by its size: a latency, and a time for each byte. */

/** Of messages: how many bytes each rank sends, and the seconds that it takes. */
export type Sent = { sent: number; seconds: number }

/** `seconds` of a message of x bytes: alpha + beta · x. */
export type Fit = {
  alpha: number
  beta: number
  /** The farthest that a measurement is from it, as a ratio of at least 1. */
  worst: number
}

/**
 * The line that is nearest to what was measured by the sum of squared relative errors (each point weighs 1/t²), both numbers at
 * least 0: over sizes that differ by powers of ten, the large would else alone decide.
 */
export function fitLatency(points: readonly Sent[]): Fit {
  let [ww, wx, wxx, wy, wxy] = [0, 0, 0, 0, 0]
  for (const { sent, seconds } of points) {
    const w = 1 / seconds ** 2
    ww += w
    wx += w * sent
    wxx += w * sent * sent
    wy += w * seconds
    wxy += w * sent * seconds
  }
  const determinant = ww * wxx - wx * wx
  let alpha = (wxx * wy - wx * wxy) / determinant
  let beta = (ww * wxy - wx * wy) / determinant
  if (!(alpha > 0)) [alpha, beta] = [0, wxx > 0 ? wxy / wxx : 0]
  else if (!(beta > 0)) [alpha, beta] = [wy / ww, 0]
  const ratios = points.map(({ sent, seconds }) => (alpha + beta * sent) / seconds)
  return { alpha, beta, worst: Math.max(...ratios.map((r) => Math.max(r, 1 / r))) }
}

/**
 * Savitzky and Golay's smoothing (https://doi.org/10.1021/ac60214a047): every value becomes that of the polynomial which
 * fits the window around it best by least squares. At the ends, where no window has its middle, it is the polynomial of
 * the outermost window, as in `scipy.signal.savgol_filter` (mode `interp`).
 *
 * @param window odd, at most as many as there are values, more than `degree`
 * @returns as many values
 */
export function savitzkyGolay(values: readonly number[], window: number, degree: number): number[] {
  const half = (window - 1) / 2
  const basis = orthonormalPolynomials(window, degree)
  return values.map((_, i) => {
    const middle = Math.min(Math.max(i, half), values.length - 1 - half)
    const first = middle - half
    // The fit at i is the sum over the basis of its value there, times its product with the window.
    return basis.reduce((sum, p) => sum + p[i - first]! * dot(p, values.slice(first, first + window)), 0)
  })
}

/** Polynomials of degree 0 to `degree` over `count` evenly spaced points, orthonormal there (Gram and Schmidt). */
function orthonormalPolynomials(count: number, degree: number): number[][] {
  const x = Array.from({ length: count }, (_, i) => i - (count - 1) / 2)
  const basis: number[][] = []
  for (let d = 0; d <= degree; d++) {
    // x · the last one has the next degree, and is better conditioned than a power of x.
    let next = d === 0 ? x.map(() => 1) : basis[d - 1]!.map((y, i) => y * x[i]!)
    for (const p of basis) {
      const share = dot(p, next)
      next = next.map((y, i) => y - share * p[i]!)
    }
    const length = Math.hypot(...next)
    basis.push(next.map((y) => y / length))
  }
  return basis
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0)
}

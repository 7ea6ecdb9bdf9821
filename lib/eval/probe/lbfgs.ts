/** L-BFGS (Nocedal and Wright, Numerical Optimization, 2nd edition, algorithm 7.4), for smooth convex functions. */

/** The value at `x`; its gradient goes into `gradient`. May give up the event loop. */
export type Differentiable = (x: Float64Array, gradient: Float64Array) => Promise<number>

export type LbfgsOptions = {
  maxIterations: number
  /** Ends where no element of the gradient is larger. */
  tolerance: number
  /** Pairs of steps and changes of the gradient that are kept. */
  memory?: number
}

export type Minimum = { x: Float64Array; value: number; iterations: number; converged: boolean }

/** Of the line search, in which a step is halved or doubled: sufficient decrease, and curvature (weak Wolfe). */
const DECREASE = 1e-4
const CURVATURE = 0.9
const MOST_TRIALS = 40

/** Relative decrease below which rounding is all that is left, as in SciPy's. */
const NOTHING_LEFT = 64 * Number.EPSILON

type Pair = { s: Float64Array; y: Float64Array; sy: number }
type Point = { x: Float64Array; value: number; gradient: Float64Array }

/** @param start is left as it is */
export async function minimize(f: Differentiable, start: Float64Array, o: LbfgsOptions): Promise<Minimum> {
  const pairs: Pair[] = []
  let at: Point = { x: start.slice(), value: 0, gradient: new Float64Array(start.length) }
  at.value = await f(at.x, at.gradient)
  for (let iterations = 0; ; iterations++) {
    const converged = largest(at.gradient) <= o.tolerance
    const ended = (done: boolean) => ({ x: at.x, value: at.value, iterations, converged: done })
    if (converged || iterations === o.maxIterations) return ended(converged)
    const direction = descent(at.gradient, pairs)
    // Without curvature nothing says how long a step is: the first one has length 1 at most.
    const first = pairs.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(at.gradient, at.gradient))) : 1
    const next = await search(f, at, direction, first)
    // Where no step leads further down, rounding hides what is left.
    if (!next) return ended(true)
    remember(pairs, at, next, o.memory ?? 10)
    const left = (at.value - next.value) / Math.max(Math.abs(at.value), Math.abs(next.value), 1)
    at = next
    if (left <= NOTHING_LEFT) return { x: at.x, value: at.value, iterations: iterations + 1, converged: true }
  }
}

/** -H·g by the two loops over the pairs. */
function descent(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const q = gradient.map((g) => -g)
  const alphas = new Float64Array(pairs.length)
  for (let i = pairs.length - 1; i >= 0; i--) {
    const { s, y, sy } = pairs[i]!
    alphas[i] = dot(s, q) / sy
    addScaled(q, y, -alphas[i]!)
  }
  const last = pairs.at(-1)
  if (last) {
    const scale = last.sy / dot(last.y, last.y)
    for (let i = 0; i < q.length; i++) q[i]! *= scale
  }
  for (const [i, { s, y, sy }] of pairs.entries()) addScaled(q, s, alphas[i]! - dot(y, q) / sy)
  return q
}

async function search(
  f: Differentiable,
  at: Point,
  direction: Float64Array,
  first: number,
): Promise<Point | undefined> {
  const slope = dot(at.gradient, direction)
  if (!(slope < 0)) return undefined
  let [low, high, step] = [0, Number.POSITIVE_INFINITY, first]
  let best: Point | undefined
  for (let trial = 0; trial < MOST_TRIALS; trial++) {
    const next: Point = { x: at.x.slice(), value: 0, gradient: new Float64Array(at.x.length) }
    addScaled(next.x, direction, step)
    next.value = await f(next.x, next.gradient)
    if (!(next.value <= at.value + DECREASE * step * slope)) high = step
    else {
      best = next
      if (dot(next.gradient, direction) >= CURVATURE * slope) return next
      low = step
    }
    step = Number.isFinite(high) ? (low + high) / 2 : 2 * low
  }
  return best
}

function remember(pairs: Pair[], from: Point, to: Point, most: number): void {
  const s = to.x.map((x, i) => x - from.x[i]!)
  const y = to.gradient.map((g, i) => g - from.gradient[i]!)
  const sy = dot(s, y)
  if (!(sy > Number.EPSILON * dot(y, y))) return
  pairs.push({ s, y, sy })
  if (pairs.length > most) pairs.shift()
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

function addScaled(to: Float64Array, from: Float64Array, by: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += by * from[i]!
}

function largest(values: Float64Array): number {
  let most = 0
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]!))
  return most
}

// The model for ranks that share one machine's processors and memory, from one process's profile and what collectives took alone.

const OPTIMIZER = ['optimizer_step', 'grad_norm', 'clamp']

/**
 * Milliseconds of a step of `ranks` ranks. Work that is shared takes as long as in one process: as many processors do it. What every
 * rank repeats waits for the one memory, so it takes as often as long. Nothing is fitted to the steps that it is held against.
 * @param {{ ops: { name: string, ms: number }[], stepMs: number }} profile of one process on all processors
 * @param {{ collectives: { name: string, sizes: { bytes: number, medianUs: number }[] }[] }} dist of as many ranks
 * @param {{ gradientBytes: number, featureBytes: number }} sizes
 */
export function predicted(profile, dist, { gradientBytes, featureBytes }) {
  const repeated = profile.ops.filter(({ name }) => OPTIMIZER.includes(name)).reduce((sum, { ms }) => sum + ms, 0)
  const took = (name, bytes) => interpolated(dist.collectives.find((one) => one.name === name).sizes, bytes) / 1000
  const between =
    took('all_reduce', gradientBytes) + took('all_gather', featureBytes) + took('reduce_scatter', featureBytes)
  return { shared: profile.stepMs - repeated, repeated: dist.ranks * repeated, between }
}

/** Microseconds by size, between two that were measured in proportion, and beyond the largest by its rate. */
function interpolated(sizes, bytes) {
  const at = sizes.findIndex((size) => size.bytes >= bytes)
  if (at < 0) return (sizes.at(-1).medianUs * bytes) / sizes.at(-1).bytes
  if (at === 0) return sizes[0].medianUs
  const [a, b] = [sizes[at - 1], sizes[at]]
  return a.medianUs + ((b.medianUs - a.medianUs) * (bytes - a.bytes)) / (b.bytes - a.bytes)
}

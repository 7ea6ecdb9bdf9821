// What several trials of one contender say together.

/** Of the figures that a subject names: the middle and the ends; nothing of what no trial has. */
export function summarize(trials, figures) {
  return Object.fromEntries(
    figures.flatMap(({ key }) => {
      const values = trials.map((trial) => trial[key]).filter(Number.isFinite)
      return values.length === 0
        ? []
        : [[key, { median: median(values), low: Math.min(...values), high: Math.max(...values) }]]
    }),
  )
}

/** The mean of the two in the middle, where there are two. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** How many times as good the first is, by one figure's medians. */
export function ratio(ours, theirs, { key, higher }) {
  const [a, b] = [ours?.[key]?.median, theirs?.[key]?.median]
  if (a === undefined || b === undefined) return undefined
  return higher ? a / b : b / a
}

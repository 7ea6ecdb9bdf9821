/** One line of a progress bar, as wide as the terminal lets it be. */

export type BarState = {
  epoch: string
  /** Steps of this epoch. */
  value: number
  total: number
  loss: string
  mean: string
  lr: string
  rate: string
  /** Percent of the time in which steps waited for data. */
  wait: string
  left: string
}

const MOST_BAR = 24
const LEAST_BAR = 6

/** What stands before and after the bar, the richest first: rate and time left stay the longest. */
const FORMS: readonly ((s: BarState) => readonly [before: string, after: string])[] = [
  (s) => [
    `epoch ${s.epoch} `,
    `${steps(s)}  loss ${s.loss}, mean ${s.mean}  lr ${s.lr}  data wait ${s.wait} %  ${pace(s)}`,
  ],
  (s) => [`epoch ${s.epoch} `, `${steps(s)}  loss ${s.loss}, mean ${s.mean}  lr ${s.lr}  ${pace(s)}`],
  (s) => [`epoch ${s.epoch} `, `${steps(s)}  loss ${s.loss}, mean ${s.mean}  ${pace(s)}`],
  (s) => [`epoch ${s.epoch} `, `${steps(s)}  loss ${s.loss}  ${pace(s)}`],
  (s) => [`${s.epoch} `, `${steps(s)}  ${s.loss}  ${pace(s)}`],
]

const steps = ({ value, total }: BarState) => ` ${value}/${total}`
const pace = ({ rate, left }: BarState) => `${rate} pairs/s  ${left} left`

/** @param columns of the terminal. The bar shrinks first, then what is said; in the end there is no bar. */
export function barLine(columns: number, state: BarState): string {
  for (const form of FORMS) {
    const [before, after] = form(state)
    // The last column is left free: a cursor there may begin a new line.
    const room = columns - 1 - before.length - after.length
    if (room >= LEAST_BAR) return before + bar(Math.min(room, MOST_BAR), state) + after
  }
  const { epoch, value, total } = state
  return `${epoch} ${value}/${total} ${pace(state)}`.slice(0, Math.max(columns - 1, 0))
}

function bar(width: number, { value, total }: BarState): string {
  const full = total > 0 ? Math.round((width * Math.min(value, total)) / total) : width
  return '█'.repeat(full) + '░'.repeat(width - full)
}

/** Progress over a known count of inputs: a bar, or a plain line every few seconds where nobody watches. */
import type { EncodeProgress } from '../clip/encode-progress.js'
import { isFirstRank } from './first-rank.js'
import { duration } from './progress.js'

const LINE_EVERY_MS = 10_000
/** A command that ends sooner says nothing where nobody watches. */
const FIRST_LINE_MS = 2000
const NAMES = { images: 'pictures', texts: 'texts' } as const

export type CountProgress = {
  show(progress: EncodeProgress): void
  /** Leaves the terminal as it was. */
  close(): void
}

export function countProgress(stream: NodeJS.WriteStream = process.stderr): CountProgress {
  return stream.isTTY ? bar(stream) : lines(stream)
}

/** Runs work that tells how far it is. */
export async function withProgress<T>(work: (tell: CountProgress['show']) => Promise<T>): Promise<T> {
  if (!isFirstRank()) return work(() => {})
  const progress = countProgress()
  try {
    return await work(progress.show)
  } finally {
    progress.close()
  }
}

/** How fast one kind of inputs goes, from when it began. */
class Pace {
  #began = performance.now()

  at({ done, total }: EncodeProgress): string {
    if (done === 0) this.#began = performance.now()
    const perSecond = (1000 * done) / (performance.now() - this.#began)
    const rate = done === 0 ? '–' : perSecond.toFixed(perSecond < 100 ? 1 : 0)
    return `${done}/${total}  ${rate} per second  ${duration((total - done) / perSecond)} left`
  }
}

/** Drawn over itself, as wide as the terminal has room, and gone at the end. */
function bar(stream: NodeJS.WriteStream): CountProgress {
  const pace = new Pace()
  return {
    show(progress) {
      const [name, said] = [NAMES[progress.kind], pace.at(progress)]
      const room = (stream.columns || 80) - 1 - name.length - said.length - 3
      const cells = Math.min(Math.max(room, 0), 24)
      const full = Math.round((cells * progress.done) / progress.total)
      stream.write(`\r\x1b[K${name} ${'█'.repeat(full)}${'░'.repeat(cells - full)}  ${said}`)
    },
    close: () => void stream.write('\r\x1b[K'),
  }
}

function lines(stream: NodeJS.WriteStream): CountProgress {
  const pace = new Pace()
  let next = Number.POSITIVE_INFINITY
  return {
    show(progress) {
      const said = pace.at(progress)
      if (next === Number.POSITIVE_INFINITY) next = performance.now() + FIRST_LINE_MS
      // At its start a count has no rate, at its end the next thing said is the result.
      if (performance.now() < next || progress.done === 0 || progress.done === progress.total) return
      next = performance.now() + LINE_EVERY_MS
      stream.write(`${NAMES[progress.kind]} ${said}\n`)
    },
    close() {},
  }
}

/** Work side by side, but not all of it at once. */

/** At most `limit` calls at a time; the others wait in the order they came. */
export function limited<A extends unknown[], R>(
  limit: number,
  call: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (...args) => {
    if (running < limit) running++
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await call(...args)
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}

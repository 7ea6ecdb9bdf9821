/** Work on one thing at a time. */

const queues = new Map<string, Promise<unknown>>()

/** Begins the work once all that was asked for under the same key before has ended, well or not. */
export function inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
  const turn = (queues.get(key) ?? Promise.resolve()).then(work)
  const ended = turn.catch(() => {})
  queues.set(key, ended)
  void ended.then(() => {
    if (queues.get(key) === ended) queues.delete(key)
  })
  return turn
}

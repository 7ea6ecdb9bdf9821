/** The processes that train one model together ("ranks"), and what they tell each other. */

/** Pairs, rows or pictures first .. first+count of a whole. */
export type Share = { first: number; count: number }

/** What is said on one channel does not wait for what is said on the other. */
export type Channel = 'run' | 'loader'

export interface World {
  readonly rank: number
  readonly size: number
  /** Threads for this rank's model, where nobody says how many: those of its machine, divided among its ranks. */
  readonly threads: number | undefined
  /** Ranks' parts of `whole` follow each other and differ by one at most. */
  share(whole: number): Share
  /**
   * What every rank hands in (as JSON), in the order of ranks. All ranks make the same calls on a channel in the same order.
   * @throws ClipwrightError ERR_IO once a rank has ended, saying which and why
   */
  exchange<T>(value: T, channel?: Channel): Promise<T[]>
  /** All ranks' numbers, one after another. @throws as `exchange` */
  gather<T extends Float32Array | Int32Array>(own: T): Promise<T>
  /** Tells the others why this rank ends, and gives them the time to hear it. */
  tell(error: unknown): Promise<void>
}

/** A process that is all there is. */
export const ALONE: World = {
  rank: 0,
  size: 1,
  threads: undefined,
  share: (whole) => ({ first: 0, count: whole }),
  exchange: async (value) => [value],
  gather: async (own) => own,
  tell: async () => {},
}

/** Rank 0 does its part, and once that is done the others do theirs. @throws what either throws */
export async function inTurn<T>(world: World, first: () => Promise<T>, then: () => Promise<T>): Promise<T> {
  const mine = world.rank === 0 ? await first() : undefined
  await world.exchange('done')
  return world.rank === 0 ? (mine as T) : then()
}

/** What ranks do together with each other's values. */

/** As `native/dist/traffic.h` names them. */
export type NativeCollective = 'all_gather' | 'reduce_scatter' | 'all_reduce' | 'merge_lse' | 'broadcast'

/** By collective: calls, and the bytes of this rank's that others were given. */
export type NativeTraffic = Record<NativeCollective, { calls: number; bytes: number }>

export type NativeCollectiveTimesOptions = {
  /** 'cpu', 'reference' or 'cuda:N' */
  device: string
  /** 0: as many as the machine has */
  threads: number
  /** Sizes grow fourfold from a word of four bytes to these. */
  mostBytes: number
  /** About how long each size is measured. */
  seconds: number
}

/**
 * `bytes`: of what is reduced, gathered or scattered; `sent`: by this rank in a call. `best` and `median`: seconds of a call, of
 * several rounds of `calls` each, on the slowest rank.
 */
export type NativeCollectiveTime = {
  name: NativeCollective
  bytes: number
  sent: number
  calls: number
  best: number
  median: number
}

/** `way`: what values go through, "the host" or a library by its name and version. */
export type NativeCollectiveTimes = { way: string; times: NativeCollectiveTime[] }

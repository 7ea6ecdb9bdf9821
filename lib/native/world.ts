/** The job that this process is a rank of. */

/** Channels are independent of each other; all ranks make the same calls on one in the same order. */
export type NativeChannel = 1 | 2

export interface NativeWorld {
  readonly rank: number
  readonly size: number
  /** Whose MPI it is. */
  readonly library: string
  /** What every rank hands in, in the order of ranks. Rejects with ERR_IO once a rank has ended, saying which and why. */
  exchange(channel: NativeChannel, bytes: Uint8Array): Promise<Uint8Array[]>
  /** Tells the others why this rank ends, without waiting for them. */
  tellAll(reason: string): void
  /** Which rank ended and why; empty while none did. */
  ended(): string
  /** Waits for all ranks, then leaves the job. Nothing can be exchanged any more. */
  leave(): Promise<void>
}

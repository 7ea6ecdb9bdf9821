/** Joining the job that a launcher started this process as a rank of. */
import { availableParallelism, cpus, hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { isArray, isError } from '../base/brands.js'
import { ClipwrightError } from '../base/errors.js'
import { callNative, native } from '../native/addon.js'
import type { NativeWorld } from '../native/world.js'
import { type Job, jobOf } from './job.js'
import { ALONE, type Channel, type World } from './world.js'

/** Until the others have heard why a rank ends. */
const HEARD_MS = 300
const CHANNELS = { run: 1, loader: 2 } as const

let joined: Promise<World> | undefined
/** Whether this rank ended with an error: it leaves without waiting for the others. */
let hasFailed = false

/**
 * `ALONE` in a process that no launcher started as one of several.
 * @throws ClipwrightError ERR_UNSUPPORTED where MPI is missing or another one than the library was built for
 */
export function joinWorld(): Promise<World> {
  const job = jobOf(process.env)
  if (!job) return Promise.resolve(ALONE)
  joined ??= join(job)
  return joined
}

async function join(job: Job): Promise<World> {
  const own = await callNative(() => native().joinWorld())
  // An MPI that another one's launcher has started takes each process for a job of its own.
  if (own.size !== job.size)
    throw new ClipwrightError(
      'ERR_UNSUPPORTED',
      `[ranks] this process was started as rank ${job.rank} of ${job.size}, but ${own.library}, which clipwright's part for ranks was built for, counts ${own.size}: the launcher belongs to another MPI or was built without PMIx; start it with the mpirun of ${own.library}, or in a source checkout run "npm run build" where the launcher's own mpicc is found.`,
    )
  const world = worldOf(own)
  const hosts = await world.exchange(hostname())
  const neighbours = hosts.filter((host) => host === hosts[own.rank]).length
  // A process that was bound to some processors sees only those.
  const isBound = availableParallelism() < cpus().length
  const threads = isBound ? availableParallelism() : Math.max(1, Math.floor(availableParallelism() / neighbours))
  // Ranks leave together; a process that has failed goes without.
  process.once('beforeExit', () => {
    if (own.ended() === '' && !hasFailed) void own.leave().catch(() => {})
  })
  return { ...world, threads }
}

function worldOf(own: NativeWorld): World {
  const { rank, size } = own
  const bytesOf = (channel: Channel, bytes: Uint8Array) => callNative(() => own.exchange(CHANNELS[channel], bytes))
  return {
    rank,
    size,
    threads: undefined,
    share: (whole) => {
      const [least, more] = [Math.floor(whole / size), whole % size]
      return { first: least * rank + Math.min(rank, more), count: least + (rank < more ? 1 : 0) }
    },
    async exchange<T>(value: T, channel: Channel = 'run') {
      const parts = await bytesOf(channel, new TextEncoder().encode(JSON.stringify(value)))
      return parts.map((part) => JSON.parse(new TextDecoder().decode(part)) as T)
    },
    async gather<T extends Float32Array | Int32Array>(mine: T) {
      const parts = await bytesOf('run', new Uint8Array(mine.buffer, mine.byteOffset, mine.byteLength))
      const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
      let at = 0
      for (const part of parts) {
        all.set(part, at)
        at += part.length
      }
      return (isArray(mine, 'Int32Array') ? new Int32Array(all.buffer) : new Float32Array(all.buffer)) as T
    },
    async tell(error) {
      if (own.ended() !== '' || hasFailed) return
      hasFailed = true
      own.tellAll(isError(error) ? error.message : String(error))
      await sleep(HEARD_MS)
    },
  }
}

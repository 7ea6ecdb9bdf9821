/** How many processors this process may keep busy: those that it sees, or fewer where its cgroup says so. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { native } from './addon.js'

/** `visible`: by affinity. `allowed`: what the cgroup's quota comes to, undefined without. `threads`: what a team has by default. */
export type Processors = { visible: number; allowed: number | undefined; threads: number }

export function processors(): Processors {
  const visible = native().info().threads
  const allowed = cgroupProcessors('/')
  const threads = allowed === undefined ? visible : Math.min(visible, Math.max(1, Math.ceil(allowed)))
  return { visible, allowed, threads }
}

/**
 * The least of the quotas of this process's cgroup and of those around it, in processors; undefined without any.
 * OpenMP and, before its version 22, Node.js know nothing of it. https://docs.kernel.org/admin-guide/cgroup-v2.html
 * @param root where /proc and /sys are
 */
export function cgroupProcessors(root: string): number | undefined {
  const groups = read(join(root, 'proc/self/cgroup'))?.trim().split('\n') ?? []
  const quotas = groups.flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) return []
    if (controllers === '') return upwards(path).map((at) => unified(join(root, 'sys/fs/cgroup', at)))
    if (!controllers.split(',').includes('cpu')) return []
    return upwards(path).flatMap((at) =>
      ['cpu', controllers].map((mount) => separate(join(root, 'sys/fs/cgroup', mount, at))),
    )
  })
  const known = quotas.filter((quota) => quota !== undefined)
  return known.length > 0 ? Math.min(...known) : undefined
}

/** A path and all that it lies in: a container may see its own group as the root. */
function upwards(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '')
  return Array.from({ length: parts.length + 1 }, (_, i) => parts.slice(0, parts.length - i).join('/'))
}

/** Version 2: "max 100000", or microseconds of each period. */
function unified(folder: string): number | undefined {
  const [quota, period] = read(join(folder, 'cpu.max'))?.trim().split(' ').map(Number) ?? []
  return share(quota, period)
}

/** Version 1: -1 is no limit. */
function separate(folder: string): number | undefined {
  const [quota, period] = ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map((name) => Number(read(join(folder, name))))
  return share(quota, period)
}

function share(quota: number | undefined, period: number | undefined): number | undefined {
  return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : undefined
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

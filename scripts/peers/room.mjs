// Refuses an installation that the disk has no room for, before it begins.
import { existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { SetupError } from '../setup/command.mjs'

/** Throws one sentence when less than `gigabytes` are free where `folder` is to be. `free`: of a folder, in bytes. */
export function requireRoom(folder, gigabytes, what, free = freeBytes) {
  let there = folder
  while (!existsSync(there)) there = dirname(there)
  const left = free(there) / 1e9
  if (left >= gigabytes) return
  throw new SetupError(
    `${what} need about ${gigabytes} GB in ${folder}, and ${left.toFixed(1)} GB are free: make room there, or go on without them.`,
  )
}

function freeBytes(folder) {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

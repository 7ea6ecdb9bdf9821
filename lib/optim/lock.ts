/** Towers that stay as they are. */
import type { Clip } from '../clip/clip.js'
import { sessionOf } from '../clip/session.js'
import { depthsOf, isLocked, type Tower } from './depths.js'

/** Of each tower: how many of its last groups stay free; a tower that is not named is not locked. */
export type Locks = Partial<Record<Tower, number>>

/** Locks towers from below, as open_clip's `lock_image_tower` and `lock_text_tower`. */
export function lock(clip: Clip, locks: Locks): void {
  const session = sessionOf(clip, 'train')
  for (const [index, depth] of depthsOf(session.own.map(({ name }) => name)).entries()) {
    const unlocked = depth && locks[depth.tower]
    if (depth && unlocked !== undefined && isLocked(depth, unlocked)) session.setTrainable(index, false)
  }
}

// The rule that chose held-out.json. It is fixed: no item is picked or left out by hand.
import { createHash } from 'node:crypto'
import { partsOf } from './parts.mjs'

/** One item in this many of each family is held out, rounded. */
const oneIn = 6

/**
 * Ids of the held-out items: in each family, in the order of the hash of their ids, the first sixth of its items whose
 * parts all remain in some item that is trained on. Items that look exactly like another one are never held out.
 * @param {import('./items.mjs').Item[]} items
 * @param {Map<string, string>} pixelHashes of each id
 * @returns {string[]} in Unicode's order
 */
export function chooseHeldOut(items, pixelHashes) {
  const lookAlikes = countBy(items.map(({ id }) => pixelHashes.get(id)))
  const families = new Map()
  for (const item of items) {
    const made = partsOf(item)
    if (!made) continue
    if (!families.has(made.family)) families.set(made.family, [])
    families.get(made.family).push({ id: item.id, parts: made.parts, order: hashOf(item.id) })
  }
  const left = countBy([...families.values()].flat().flatMap(({ parts }) => [...new Set(parts)]))
  const heldOut = new Set()
  for (const members of families.values()) {
    let quota = Math.round(members.length / oneIn)
    for (const { id, parts } of members.sort((a, b) => (a.order < b.order ? -1 : 1))) {
      if (quota === 0) break
      if (lookAlikes.get(pixelHashes.get(id)) > 1 || parts.some((part) => left.get(part) < 2)) continue
      for (const part of new Set(parts)) left.set(part, left.get(part) - 1)
      heldOut.add(id)
      quota--
    }
  }
  return items.map(({ id }) => id).filter((id) => heldOut.has(id))
}

const hashOf = (text) => createHash('sha256').update(text).digest('hex')

function countBy(keys) {
  const counts = new Map()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

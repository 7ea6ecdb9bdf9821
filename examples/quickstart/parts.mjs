// What an item is made of, where that can be read off its code points or name: the held-out items are combinations that
// were never seen of parts that were.

const tones = new Set(['1f3fb', '1f3fc', '1f3fd', '1f3fe', '1f3ff'])
const people = { '1f468': 'man', '1f469': 'woman', '1f9d1': 'person' }
const signs = { 2640: 'woman', 2642: 'man' }
const joiner = '200d'

/**
 * The family of items that differ in their other parts, and those parts; undefined for an item that stands for itself.
 * @param {import('./items.mjs').Item} item
 * @returns {{ family: string, parts: string[] } | undefined}
 */
export function partsOf({ id, label }) {
  return clock(id, label) ?? arrow(label) ?? colouredShape(label) ?? household(label) ?? person(id)
}

/** "half past four" is drawn from an hour and a half; labels are "four o’clock" and "four-thirty". */
function clock(id, label) {
  if (!/^1f5[56][0-9a-f]$/.test(id)) return undefined
  const match = label.match(/^(\w+)(?: o.clock|(-thirty))$/)
  return match ? { family: 'clock', parts: [match[1], match[2] ? 'half' : 'whole'] } : undefined
}

/** "up-right arrow" */
function arrow(label) {
  const match = label.match(/^((?:up|down|left|right)(?:-(?:up|down|left|right))?) arrow$/)
  return match ? { family: 'arrow', parts: match[1].split('-') } : undefined
}

/** "green heart" */
function colouredShape(label) {
  const match = label.match(/^(red|orange|yellow|green|blue|purple|brown|black|white) (circle|square|heart)$/)
  return match ? { family: 'coloured shape', parts: [match[1], match[2]] } : undefined
}

/** "family: woman, woman, girl, boy" */
function household(label) {
  const match = label.match(/^family: ([a-z, ]+)$/)
  return match ? { family: 'household', parts: match[1].split(', ') } : undefined
}

/** Person or hand: what is done or worn, who, and each skin tone. */
function person(id) {
  const points = id.split('-')
  const what = points.filter((point) => !tones.has(point) && !(point in signs) && point !== joiner)
  const isPerson = points.some((point) => point in people || (point in signs && what.length > 0))
  const skin = points.filter((point) => tones.has(point))
  if (!isPerson && skin.length === 0) return undefined
  const who = points.map((point) => people[point] ?? signs[point]).filter(Boolean)
  const family = what.map((point) => (point in people ? 'who' : point)).join('-')
  return { family, parts: [`who: ${who.join(' and ') || 'anyone'}`, ...skin] }
}

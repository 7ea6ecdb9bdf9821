// The quickstart's pictures: Twemoji drawings that Emojibase has a name for, without insults.
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)

/**
 * Signs whose only meaning is an insult, by the code point that all their skin tones begin with: nobody who tries the
 * product should meet them in its first picture, so they are neither trained on nor searched.
 */
const insults = new Set([
  '1f595', // middle finger
])

/**
 * @typedef {{ id: string, svg: string, label: string, tags: string[], theme: number }} Item
 * id: code points in lower-case hexadecimal, joined by "-", without the variation selector; svg: path of the drawing;
 * label: name; tags: keywords (those of the plain form for rows with a skin tone), both in one language; theme: Unicode's
 * subgroup, such as that of sports.
 */

/** All items, in Unicode's order. @param {'en' | 'zh'} language of names and tags @returns {Item[]} */
export function listItems(language = 'en') {
  const folder = dirname(require.resolve('@twemoji/svg/package.json'))
  const drawings = new Map(
    readdirSync(folder)
      .filter((file) => file.endsWith('.svg'))
      .map((file) => [plainId(file.slice(0, -4)), join(folder, file)]),
  )
  const items = []
  for (const entry of require(`emojibase-data/${language}/data.json`)) {
    // Letters that flags are spelled with, and swatches of skin and hair, are parts of pictures rather than pictures.
    if (entry.group === undefined || entry.group === 2) continue
    for (const { hexcode, label } of [entry, ...(entry.skins ?? [])]) {
      const id = plainId(hexcode)
      if (id.split('-').some((point) => insults.has(point))) continue
      const svg = drawings.get(id)
      if (svg) items.push({ id, svg, label, tags: entry.tags ?? [], theme: entry.subgroup })
    }
  }
  return items
}

/** File names and Emojibase disagree on where U+FE0F (draw as a picture) is written. */
function plainId(hexcode) {
  return hexcode
    .toLowerCase()
    .split('-')
    .filter((point) => point !== 'fe0f')
    .join('-')
}

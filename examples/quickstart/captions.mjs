// English captions of an item. Every one holds the whole label, so that two items never share a caption even where they
// share their tags, as all skin tones of one person do.

/** @param {import('./items.mjs').Item} item @returns {string[]} */
export function captionsOf({ label, tags }) {
  const name = plainName(label)
  // Tags that the name already says would only make the caption longer.
  const news = tags.filter((tag) => !name.toLowerCase().includes(tag.toLowerCase())).slice(0, 8)
  const captions = [name, `a drawing of ${name}`]
  if (news.length > 0) captions.push(`${name}, ${news.join(', ')}`, `${news.slice(0, 4).join(' ')}: ${name}`)
  return captions
}

/** "woman firefighter: light skin tone" → "woman firefighter with light skin tone" */
function plainName(label) {
  const toned = label.match(/^(.*?): ((?:(?:medium-)?(?:light|dark)|medium) skin tone.*)$/)
  const name = toned ? `${toned[1]} with ${toned[2].replaceAll(', ', ' and ')}` : label
  return name.replaceAll('’', "'")
}

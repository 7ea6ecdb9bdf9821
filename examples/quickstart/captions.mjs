// Captions of an item in each language. Every one holds the whole label, so that two items never share a caption even
// where they share their tags, as all skin tones of one person do.

/** What turns an item of that language into captions, the plain name first: (item: import('./items.mjs').Item) => string[] */
export const captionsIn = {
  en(item) {
    const name = englishName(item.label)
    const news = newTags(name, item.tags)
    const captions = [name, `a drawing of ${name}`]
    if (news.length > 0) captions.push(`${name}, ${news.join(', ')}`, `${news.slice(0, 4).join(' ')}: ${name}`)
    return captions
  },
  zh(item) {
    const name = chineseName(item.label)
    const news = newTags(name, item.tags)
    const captions = [name, `一张图画，画的是${name}`]
    if (news.length > 0) captions.push(`${name}，${news.join('、')}`, `${news.slice(0, 4).join('、')}：${name}`)
    return captions
  },
}

/** Tags that the name already says would only make the caption longer. */
function newTags(name, tags) {
  return tags.filter((tag) => !name.toLowerCase().includes(tag.toLowerCase())).slice(0, 8)
}

/** "woman firefighter: light skin tone" → "woman firefighter with light skin tone" */
function englishName(label) {
  const toned = label.match(/^(.*?): ((?:(?:medium-)?(?:light|dark)|medium) skin tone.*)$/)
  const name = toned ? `${toned[1]} with ${toned[2].replaceAll(', ', ' and ')}` : label
  return name.replaceAll('’', "'")
}

/** "手拉手的两个人: 较深肤色中等肤色" → "手拉手的两个人，较深肤色和中等肤色" */
function chineseName(label) {
  return label.replaceAll(': ', '，').replaceAll(/肤色(?=.)/g, '肤色和')
}

// Captions to tokenize: names and tags of emoji in random order, with punctuation, so that words and characters come about as often
// as they do in captions. All differ. node bench/ours/texts.mjs en|zh COUNT FILE
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const LOOKS = {
  en: {
    length: 55,
    between: ' ',
    marks: [',', '.', ' and', ' with', ''],
    words: ['iPhone', 'DIY', "it's", '2026', '3.5kg'],
  },
  zh: {
    length: 20,
    between: '',
    marks: ['，', '。', '、', '！', ' '],
    words: ['iPhone', 'DIY', 'T恤', '2026', '3.5kg'],
  },
}

/** @param {'en' | 'zh'} language */
export function captions(language, count) {
  const { length, between, marks, words } = LOOKS[language]
  const emoji = createRequire(import.meta.url)(`emojibase-data/${language}/data.json`)
  const phrases = emoji.flatMap(({ label, tags = [] }) => [label, ...tags])
  let state = 1
  const draw = (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state >>> 8) % n
  }
  const caption = () => {
    let text = ''
    while (text.length < length) {
      text += (text ? between : '') + phrases[draw(phrases.length)]
      if (draw(4) === 0) text += marks[draw(5)]
      if (draw(16) === 0) text += between + words[draw(5)]
    }
    return text.slice(0, length)
  }
  return Array.from({ length: count }, caption)
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [language, count, file] = process.argv.slice(2)
  writeFileSync(file, `${captions(language, Number(count)).join('\n')}\n`)
}

import { describe, expect, test } from 'vitest'
import { fitText, textWidth, wrapText } from '../../lib/report/fit-text.js'

describe('fitText', () => {
  test.each([
    ['short', 100, 'short'],
    ['a long sentence', 80, 'a long s…'],
    ['很长的中文句子', 60, '很长的…'],
  ])('%s in %d pixels is %s', (text, width, expected) => {
    expect(fitText(text, width, 15)).toBe(expected)
  })
})

describe('wrapText', () => {
  test.each([
    ['one line', 'a cat', 100, ['a cat']],
    ['spaces', 'a cat on a mat and a dog', 100, ['a cat on a', 'mat and a', 'dog']],
    ['a word longer than a line', 'an_extraordinary_file_name.jpg', 100, ['an_extraord', 'inary_file_', 'name.jpg']],
    ['wide characters, whose punctuation does not begin a line', '一只猫，一只狗', 46, ['一只', '猫，一', '只狗']],
    ['nothing', '', 100, ['']],
    ['characters that are wider than a line', '猫狗', 10, ['猫', '狗']],
  ])('breaks %s', (_, text, width, expected) => {
    expect(wrapText(text, width, 15, 9)).toEqual(expected)
  })

  test('cuts what is more than the lines hold, and loses nothing before', () => {
    const text = 'one two three four five six seven eight nine ten'
    const lines = wrapText(text, 90, 15, 3)
    expect(lines).toEqual(['one two', 'three four', 'five six …'])
    const all = wrapText(text, 90, 15, 99)
    expect(all.join(' ')).toBe(text)
    for (const line of [...lines, ...all]) expect(textWidth(line, 15)).toBeLessThanOrEqual(90)
    expect(wrapText(text, 90, 15, 1)).toEqual([fitText(text, 90, 15)])
  })

  test('keeps surrogate pairs whole', () => {
    const lines = wrapText('😀😀😀😀😀', 32, 15, 9)
    expect(lines).toEqual(['😀😀', '😀😀', '😀'])
  })
})

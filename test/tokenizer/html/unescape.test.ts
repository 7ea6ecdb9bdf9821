import { expect, it } from 'vitest'
import { ENTITIES } from '../../../lib/tokenizer/html/entities.js'
import { unescapeHtml } from '../../../lib/tokenizer/html/unescape.js'

// Answers of Python 3.11's html.unescape.
it.each([
  ['&lt;&amp;&gt;', '<&>'],
  ['&amp;lt;', '&lt;'],
  ['&notin; &notit; &not', '∉ ¬it; ¬'],
  ['&NotEqualTilde;', '≂̸'],
  ['&nosuch; & &; &#; &#x;', '&nosuch; & &; &#; &#x;'],
  ['&#65;&#x41;&#X61', 'AAa'],
  ['&#0;&#xD800;&#x110000;', '\ufffd\ufffd\ufffd'],
  ['&#128;&#129;&#159;', '€\x81Ÿ'],
  ['[&#1;&#11;&#127;&#xFDD0;&#xFFFE;&#x1FFFF;]', '[]'],
  ['&#13;&#10;', '\r\n'],
  ['&#x1F436;', '🐶'],
])('unescapes %s', (text, expected) => {
  expect(unescapeHtml(text)).toBe(expected)
})

it('knows the standard’s 2125 names', () => {
  expect(ENTITIES.size).toBe(2125)
})

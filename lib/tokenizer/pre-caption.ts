/** Caption cleaning of the reference system (ALBEF's and BLIP's `pre_caption`, for retrieval on Flickr30k and COCO). */
import { ClipwrightError } from '../base/errors.js'
import { show } from '../base/options.js'
import { PYTHON_SPACE } from './whitespace.js'

const SPACES = new RegExp(`[${PYTHON_SPACE}]{2,}`, 'g')

/**
 * A caption in lower case, without `, . ' ! ? " ( ) * # : ; ~`, with a space for `-` and `/` and `person` for `<person>`;
 * two or more white spaces become one space; at most `maxWords` words are kept, which a space parts.
 *
 * @example
 * preCaption('Two dogs -- one black, one white -- play!') // 'two dogs one black one white play'
 *
 * @throws ClipwrightError ERR_INVALID_ARGUMENT when `text` is not a string or `maxWords` not a whole number from 1 up
 */
export function preCaption(text: string, maxWords = 77): string {
  if (typeof text !== 'string') {
    throw new ClipwrightError('ERR_INVALID_ARGUMENT', `preCaption expects a string, got ${show(text)}.`)
  }
  if (!Number.isSafeInteger(maxWords) || maxWords < 1) {
    throw new ClipwrightError(
      'ERR_INVALID_ARGUMENT',
      `preCaption: maxWords: expected a whole number of at least 1, got ${show(maxWords)}.`,
    )
  }
  return text
    .toLowerCase()
    .replace(/[,.'!?"()*#:;~]/g, '')
    .replace(/[-/]/g, ' ')
    .replaceAll('<person>', 'person')
    .replace(SPACES, ' ')
    .replace(/\n+$/, '')
    .replace(/^ +| +$/g, '')
    .split(' ', maxWords)
    .join(' ')
}

/** Entities as ftfy unescapes them: only whole ones that end in a semicolon, so that "this&not that" keeps its words. */
import { ENTITIES } from '../html/entities.js'
import { unescapeHtml } from '../html/unescape.js'

let upperCased: Map<string, string> | undefined

/**
 * Names that text in capitals turned into capitals too (`&EACUTE;`), where the capital form means nothing in HTML.
 * The characters follow them into upper case.
 */
function upperCasedEntities(): Map<string, string> {
  if (upperCased) return upperCased
  upperCased = new Map()
  for (const [name, characters] of ENTITIES) {
    const reference = `&${name.toUpperCase()};`
    if (name === name.toLowerCase() && unescapeHtml(reference) === reference) {
      upperCased.set(name.toUpperCase(), characters.toUpperCase())
    }
  }
  return upperCased
}

export function unescapeEntities(text: string): string {
  return text.replace(/&#?[0-9A-Za-z]{1,24};/g, (reference) => {
    if (reference[1] === '#') {
      const characters = unescapeHtml(reference)
      return characters.includes(';') ? reference : characters
    }
    const name = reference.slice(1, -1)
    return ENTITIES.get(name) ?? upperCasedEntities().get(name) ?? reference
  })
}

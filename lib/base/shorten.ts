/** Text of any length, for messages of a length that people read. */

const MOST = 200
const TAIL = 40

/** The text, or its beginning and end with the number of characters between them. */
export function shorten(text: string): string {
  const left = text.length - MOST
  if (left <= 0) return text
  return `${text.slice(0, MOST - TAIL)}… (${left} characters) …${text.slice(-TAIL)}`
}

/** The first few of many names, and how many more there are. */
export function some(names: readonly string[], most = 5): string {
  const first = names.slice(0, most).map(shorten).join(', ')
  return names.length > most ? `${first} and ${names.length - most} more` : first
}

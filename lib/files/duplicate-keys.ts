/**
 * The first key that an object of this JSON text has twice, at any depth, or undefined. JSON.parse keeps the last one
 * silently, so a file could say one thing to one reader and another to the next.
 *
 * @param json must be valid
 */
export function findDuplicateKey(json: string): string | undefined {
  /** Keys so far of each open object; undefined for an open list. */
  const open: (Set<string> | undefined)[] = []
  for (let i = 0; i < json.length; i++) {
    const c = json[i]
    if (c === '{') open.push(new Set())
    else if (c === '[') open.push(undefined)
    else if (c === '}' || c === ']') open.pop()
    else if (c === '"') {
      const end = endOfString(json, i)
      const keys = open.at(-1)
      if (keys && isFollowedByColon(json, end)) {
        const key = JSON.parse(json.slice(i, end)) as string
        if (keys.has(key)) return key
        keys.add(key)
      }
      i = end - 1
    }
  }
  return undefined
}

/** Index after the closing quote of the string that starts at `start`. */
export function endOfString(json: string, start: number): number {
  let i = start + 1
  while (json[i] !== '"') i += json[i] === '\\' ? 2 : 1
  return i + 1
}

function isFollowedByColon(json: string, index: number): boolean {
  let i = index
  while (' \t\n\r'.includes(json[i] ?? ':')) i++
  return json[i] === ':'
}

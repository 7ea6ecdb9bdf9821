/** What a loose load took and what it left, and how to say so in a few lines. */

/** What `strict: false` took and left, in the file's names. */
export type LoadReport = {
  /** Where the weights came from. */
  path: string
  loaded: string[]
  /** Parameters that the file lacks; they keep their initial values. */
  missing: string[]
  /** Parameters that are there with another shape or type, as in `visual.proj is [64, 32], not [32, 16]`; they keep theirs, too. */
  mismatched: string[]
  /** Tensors that belong to no parameter. */
  unexpected: string[]
  /** Sentences about position embeddings that came in another size and were resized, as open_clip does; not there without any. */
  resized?: string[]
}

/** One sentence a kind, every name in it; those of blocks that are alike are put together. */
export function describeLoad({ path, loaded, missing, mismatched, unexpected, resized = [] }: LoadReport): string {
  const all = loaded.length + missing.length + mismatched.length
  const parts = [`${loaded.length} of ${all} parameters were loaded from ${path}${named(loaded)}`]
  const kept = 'so at their initial values'
  if (missing.length > 0) parts.push(`Not there, ${kept}: ${missing.length}${named(missing)}`)
  if (mismatched.length > 0) parts.push(`Of another shape or type, ${kept}: ${mismatched.length}${named(mismatched)}`)
  if (unexpected.length > 0) parts.push(`There, but of no parameter: ${unexpected.length}${named(unexpected)}`)
  for (const sentence of resized) parts.push(sentence[0]!.toUpperCase() + sentence.slice(1))
  return `${parts.join('. ')}.`
}

const named = (names: readonly string[]) => (names.length === 0 ? '' : ` (${groupNames(names).join(', ')})`)

/**
 * Names that differ in one number and what follows it, put together: `blocks.{0-11}.{ln_1.bias, ln_1.weight}`. In the
 * order of the first of each.
 */
export function groupNames(names: readonly string[]): string[] {
  const numbers = new Map<string, { before: string; after: string; list: number[] }>()
  for (const name of names) {
    const [, before = name, number, after = ''] = /^(.*?)\b(\d+)\b(.*)$/.exec(name) ?? []
    const key = JSON.stringify([before, after, number === undefined])
    const group = numbers.get(key) ?? { before, after, list: [] }
    if (number !== undefined) group.list.push(Number(number))
    numbers.set(key, group)
  }
  const endings = new Map<string, { head: string; after: string[] }>()
  for (const { before, after, list } of numbers.values()) {
    const head = list.length === 0 ? before : before + braced(ranges(list))
    const group = endings.get(head) ?? { head, after: [] }
    group.after.push(after)
    endings.set(head, group)
  }
  return [...endings.values()].map(({ head, after }) => {
    if (after.length === 1) return head + after[0]
    const dot = after.every((ending) => ending.startsWith('.')) ? '.' : ''
    return `${head}${dot}{${after.map((ending) => ending.slice(dot.length)).join(', ')}}`
  })
}

const braced = (parts: string[]) =>
  parts.length === 1 && /^\d+$/.test(parts[0]!) ? parts[0]! : `{${parts.join(', ')}}`

/** 0-3 for 0, 1, 2, 3. */
function ranges(list: readonly number[]): string[] {
  const sorted = [...new Set(list)].sort((a, b) => a - b)
  const starts = sorted.filter((number, i) => i === 0 || sorted[i - 1] !== number - 1)
  return starts.map((start, i) => {
    const end = sorted[(i + 1 < starts.length ? sorted.indexOf(starts[i + 1]!) : sorted.length) - 1]!
    return start === end ? `${start}` : `${start}-${end}`
  })
}

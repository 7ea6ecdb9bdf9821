/** Ways in which files come to harm. */
import { pick, type Random } from './fuzz.js'

const SCRAPS = ['{', '}', '[', ']', '"', ',', ':', '-1', '1e9', '0.5', 'null', '"F16"', '"BOOL"', '\\u0000', '99999999']

/**
 * One to three changes: a bit, the end, a stretch that is repeated or lost, a scrap of JSON, a digit.
 * @param head where the changes fall most often: [from, to) in bytes
 */
export function mutateBytes(original: Buffer, random: Random, [from, to] = [0, original.length]): Buffer {
  let bytes = Buffer.from(original)
  for (let changes = 1 + random.below(3); changes > 0 && bytes.length > 0; changes--) {
    const at = random.below(Math.min(bytes.length, random.below(4) > 0 ? to : bytes.length))
    switch (random.below(5)) {
      case 0:
        bytes[at]! ^= 1 << random.below(8)
        break
      case 1:
        bytes = bytes.subarray(0, at)
        break
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.below(at + 1))])
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(pick(random, SCRAPS)), bytes.subarray(at + 1)])
        break
      default: {
        // JSON stays valid and only its numbers lie.
        const digits = [...bytes.subarray(from, to).keys()].filter((i) => isDigit(bytes[from + i]!))
        if (digits.length > 0) bytes[from + pick(random, digits)] = DIGIT_0 + random.below(10)
      }
    }
  }
  return bytes
}

const DIGIT_0 = 48
const isDigit = (byte: number) => byte >= DIGIT_0 && byte < DIGIT_0 + 10

const ODD_VALUES: readonly unknown[] = [
  ...[null, true, false, '', 'ViT-B-32', '\u0000', '\ud800', '../x', [], {}, [[]], ['a', 1], { a: 1 }],
  ...[0, -0, 1, 2, 3, 7, 64, -1, 0.5, 1e-300, 1e300, 2 ** 31, 2 ** 32 + 1, 2 ** 53, 1025, 65537, 'x'.repeat(1000)],
]
const ODD_KEYS = ['', 'widht', '__proto__', 'constructor', 'layers', 'caption', 'image', 'model_cfg', 'toString']

/** One to three values replaced, wrapped, lost, or joined by one more. `value` is JSON's. */
export function mutateJson(value: unknown, random: Random): unknown {
  let result: unknown = structuredClone(value)
  for (let changes = 1 + random.below(3); changes > 0; changes--) result = changeSomewhere(result, random)
  return result
}

function changeSomewhere(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random.below(8) === 0) return changed(value, random)
  const entries: [string, unknown][] = Object.entries(value)
  const at = random.below(entries.length + 1)
  const entry = entries[at]
  const way = random.below(6)
  if (entry === undefined) entries.push([pick(random, ODD_KEYS), pick(random, ODD_VALUES)])
  else if (way === 0) entries.splice(at, 1)
  else if (way === 1) entry[0] = pick(random, ODD_KEYS)
  else entry[1] = changeSomewhere(entry[1], random)
  return Array.isArray(value) ? entries.map(([, v]) => v) : Object.fromEntries(entries)
}

const changed = (value: unknown, random: Random): unknown => (random.below(6) > 0 ? pick(random, ODD_VALUES) : [value])

/** The text of a small file, damaged: one that is not a string is JSON's. */
export function damagedFile(content: unknown, random: Random): string | Buffer {
  if (typeof content === 'string') return mutateBytes(Buffer.from(content), random)
  const text = JSON.stringify(random.below(2) ? mutateJson(content, random) : content, null, 2)
  return random.below(2) ? mutateBytes(Buffer.from(text), random) : text
}

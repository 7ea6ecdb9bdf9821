/** A part of a text on its way to ids, and the ways of parting it (`SplitDelimiterBehavior` of Hugging Face's tokenizers). */

export type Piece = {
  text: string
  /** Whether it begins where the whole text begins. */
  first: boolean
}

export const BEHAVIORS = ['Isolated', 'Removed', 'Contiguous', 'MergedWithPrevious', 'MergedWithNext'] as const
export type Behavior = (typeof BEHAVIORS)[number]

type Span = { from: number; to: number; hit: boolean }

/**
 * @param pattern with the flag g
 * @param invert takes what lies between matches for matches
 */
export function splitPiece({ text, first }: Piece, pattern: RegExp, behavior: Behavior, invert = false): Piece[] {
  const spans: Span[] = []
  let end = 0
  for (const { 0: match, index } of text.matchAll(pattern)) {
    if (index > end) spans.push({ from: end, to: index, hit: invert })
    spans.push({ from: index, to: index + match.length, hit: !invert })
    end = index + match.length
  }
  if (end < text.length) spans.push({ from: end, to: text.length, hit: invert })
  return joined(spans, behavior)
    .filter(({ from, to }) => to > from)
    .map(({ from, to }) => ({ text: text.slice(from, to), first: first && from === 0 }))
}

function joined(spans: Span[], behavior: Behavior): Span[] {
  switch (behavior) {
    case 'Isolated':
      return spans
    case 'Removed':
      return spans.filter(({ hit }) => !hit)
    case 'Contiguous':
      return grouped(spans, (span, before) => span.hit === before)
    case 'MergedWithPrevious':
      return grouped(spans, (span, before) => span.hit && !before)
    case 'MergedWithNext': {
      // The same from the end: what was parted is turned around twice.
      const turned = spans.reverse().map(({ from, to, hit }) => ({ from: -to, to: -from, hit }))
      const groups = grouped(turned, (span, before) => span.hit && !before)
      return groups.map(({ from, to, hit }) => ({ from: -to, to: -from, hit })).reverse()
    }
  }
}

/** @param belongs whether a span is one with those before it. @param before whether the last of them was a match */
function grouped(spans: readonly Span[], belongs: (span: Span, before: boolean) => boolean): Span[] {
  const groups: Span[] = []
  let before = false
  for (const span of spans) {
    const last = groups.at(-1)
    if (last && belongs(span, before)) last.to = span.to
    else groups.push({ ...span })
    before = span.hit
  }
  return groups
}

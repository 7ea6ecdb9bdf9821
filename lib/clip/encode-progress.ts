/** How far the encoding of many inputs is. */
export type EncodeProgress = { kind: 'images' | 'texts'; done: number; total: number }

/** The two kinds' callbacks, as `encodeImages` and `encodeTexts` take them. */
export function progressOf(kind: EncodeProgress['kind'], tell: ((progress: EncodeProgress) => void) | undefined) {
  return tell && { onProgress: (done: number, total: number) => tell({ kind, done, total }) }
}

/** Samples as retrieval is measured on them. */
import type { ImageAddress } from '../image/source.js'
import type { RetrievalView, Sample } from './source.js'

/** Every caption with the one picture that it belongs to. */
export function viewOf(items: readonly Sample[], distractors: readonly ImageAddress[] = []): RetrievalView {
  const pictures = [...items.map(({ image }) => image), ...distractors]
  const ids = [...items.map(({ id }) => id), ...distractors.map(() => undefined)]
  const captions = items.flatMap((item) => item.captions)
  const owners = items.flatMap((item, i) => item.captions.map(() => i))
  return { pictures, ids, captions, imageOfCaption: Int32Array.from(owners) }
}

/** Files of embeddings: a tensor `embeddings` [count, dim], with the rows' `ids` in the metadata as JSON. */

import type { Tensor } from '../base/types.js'
import { type OwnKind, requireReplaceable } from '../checkpoint/formats/safetensors/replaceable.js'
import { writeSafetensors } from '../checkpoint/formats/safetensors/safetensors.js'

const EMBEDDINGS: OwnKind = {
  what: 'file of embeddings',
  is: ({ entries, metadata }) =>
    entries.size === 1 && entries.get('embeddings')?.shape.length === 2 && metadata.ids !== undefined,
}

/**
 * Whether embeddings may be written there: nothing lies there yet, or older embeddings do.
 * @throws ClipwrightError as {@link requireReplaceable}
 */
export function requireRoomForEmbeddings(path: string): Promise<void> {
  return requireReplaceable(path, EMBEDDINGS)
}

/** @throws as {@link requireRoomForEmbeddings} */
export async function writeEmbeddings(
  path: string,
  embeddings: Tensor,
  ids: readonly (string | number)[],
): Promise<void> {
  await requireRoomForEmbeddings(path) // something else may have come while they were made
  await writeSafetensors(path, { embeddings }, { metadata: { ids: JSON.stringify(ids) } })
}

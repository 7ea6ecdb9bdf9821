import type { DataSource, EpochStart, PlacedSample } from '../../lib/data/source.js'
import { readAddress } from '../../lib/image/source.js'

/** An epoch's samples from a position on. */
export async function samplesOf(source: DataSource, start: Partial<EpochStart> = {}): Promise<PlacedSample[]> {
  const samples: PlacedSample[] = []
  for await (const sample of source.samples({ seed: 0, epoch: 0, from: 0, ...start })) samples.push(sample)
  return samples
}

/** What identifies them, pictures by their bytes. */
export function contentOf(samples: readonly PlacedSample[]) {
  return Promise.all(
    samples.map(async ({ image, captions, index, position }) => {
      const bytes = await readAddress(image)
      return { bytes: bytes.toString('base64'), captions, index, position }
    }),
  )
}

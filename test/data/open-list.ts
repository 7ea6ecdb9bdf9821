import { expect } from 'vitest'
import { ListedSource } from '../../lib/data/listed.js'
import { openSource } from '../../lib/data/open.js'
import type { SourceOptions } from '../../lib/data/source.js'

/** A source whose samples are known at once. */
export async function openList(path: string, options?: SourceOptions): Promise<ListedSource> {
  const source = await openSource(path, options)
  expect(source).toBeInstanceOf(ListedSource)
  return source as ListedSource
}

/** Sets of captioned pictures, whatever is at the path: the table of kinds, and the one door to them. */
import { ClipwrightError } from '../base/errors.js'
import { Candidate } from './candidate.js'
import type { DataSource, SourceOptions } from './source.js'
import type { SourceKind } from './source-kind.js'
import { coco } from './sources/coco.js'
import { csv } from './sources/csv.js'
import { jsonLines } from './sources/json-lines.js'
import { karpathy } from './sources/karpathy.js'
import { list } from './sources/list.js'
import { muge } from './sources/muge.js'
import { webdataset } from './sources/webdataset.js'

/** In the order in which they are asked. The last takes every file, and says what is wrong with it. */
const kinds: readonly SourceKind[] = [muge, webdataset, jsonLines, csv, coco, karpathy, list]

/** Whether this is a folder that holds no list, so that its pictures can only be told by folders in it. */
export async function isClassFolder(path: string): Promise<boolean> {
  const candidate = await Candidate.at(path)
  return candidate.isFolder && !(await muge.fits(candidate))
}

/**
 * Opens and checks the data at a path.
 * @throws ClipwrightError ERR_NOT_FOUND when there is nothing, ERR_FORMAT when a file is not what its kind has, ERR_DATA
 *   when its entries are not what they should be or a picture lies outside the folder; the entry is named
 */
export async function openSource(path: string, options: SourceOptions = {}): Promise<DataSource> {
  const candidate = await Candidate.at(path)
  for (const kind of kinds) if (await kind.fits(candidate)) return kind.open(candidate, options)
  const known = kinds.map(({ takes }) => takes).join('; ')
  throw new ClipwrightError('ERR_DATA', `${path} holds no data: expected ${known}`)
}

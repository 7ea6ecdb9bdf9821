/**
 * Karpathy's splits (https://cs.stanford.edu/people/karpathy/deepimagesent): dataset_flickr8k.json, dataset_flickr30k.json
 * and dataset_coco.json, which most published retrieval results are measured on.
 */
import { dirname, join, resolve } from 'node:path'
import { ClipwrightError } from '../../base/errors.js'
import { some } from '../../base/shorten.js'
import { emptyCaption } from '../caption-text.js'
import { kindOf, picturePath } from '../checks.js'
import { entryOr, type Faults } from '../faults.js'
import { ListedSource } from '../listed.js'
import { pictureFolder } from '../picture-folder.js'
import type { Sample } from '../source.js'
import type { SourceKind } from '../source-kind.js'

/** Where the pictures usually lie, seen from the list. */
const FOLDERS = ['', 'images', 'Images', 'Flicker8k_Dataset', 'flickr30k-images', 'flickr30k_images']

type KarpathyFile = { images: unknown[] }

export const karpathy: SourceKind = {
  takes: 'Karpathy\'s JSON { "images": [{ "filename", "split", "sentences" }] }',
  fits: async (candidate) =>
    !candidate.isFolder && !(await candidate.beginsWithList()) && isKarpathy(await candidate.json()),
  async open(candidate, { use = 'train', split = use, absolutePaths = false, faults }) {
    const { path } = candidate
    const items = parse(path, (await candidate.json()) as KarpathyFile, split, absolutePaths, faults)
    return new ListedSource({ path, format: 'karpathy', protocol: 'flickr', split, items })
  },
}

function isKarpathy(json: unknown): json is KarpathyFile {
  return typeof json === 'object' && json !== null && Array.isArray((json as Partial<KarpathyFile>).images)
}

/** One split, in the file's order; COCO's "restval" counts as "train", as is usual. */
function parse(
  path: string,
  { images }: KarpathyFile,
  split: string,
  absolutePaths: boolean,
  faults: Faults | undefined,
): Sample[] {
  const folder = dirname(resolve(path))
  const captionsOf: string[][] = []
  const splits = new Set<string>()
  const names: string[] = []
  const read = (where: string, entry: unknown) => {
    const fail = (what: string, cause?: Error): never => {
      throw new ClipwrightError('ERR_DATA', `${where}: ${what}`, { cause })
    }
    const { filename, filepath, sentences, split: of } = Object(entry) as Record<string, unknown>
    if (typeof of !== 'string') return fail(`expected a name in "split", got ${kindOf(of)}`)
    splits.add(of)
    if (of !== split && !(of === 'restval' && split === 'train')) return
    if (typeof filename !== 'string' || filename === '')
      return fail(`expected a name in "filename", got ${kindOf(filename)}`)
    if (filepath !== undefined && typeof filepath !== 'string')
      return fail(`expected a folder in "filepath", got ${kindOf(filepath)}`)
    if (!Array.isArray(sentences) || sentences.length === 0)
      return fail(`expected a list in "sentences", got ${kindOf(sentences)}`)
    const captions = sentences.map((sentence) => (Object(sentence) as { raw?: unknown }).raw)
    if (captions.some((raw) => typeof raw !== 'string' || raw.trim() === ''))
      return fail('expected each of "sentences" to have its text in "raw"', emptyCaption(captions))
    const name = join(filepath ?? '', filename)
    picturePath(folder, name, absolutePaths, fail)
    names.push(name)
    captionsOf.push(captions as string[])
  }
  for (const [i, entry] of images.entries()) {
    const where = `images[${i}] of ${path}`
    entryOr(faults, where, () => read(where, entry))
  }
  if (captionsOf.length === 0 && !faults?.count)
    throw new ClipwrightError(
      'ERR_DATA',
      `${path} has no pictures of the split "${split}"; it has ${some([...splits].map((s) => `"${s}"`)) || 'none'}`,
    )
  const base = pictureFolder(folder, names, FOLDERS)
  return captionsOf.map((captions, i) => ({ image: resolve(folder, base, names[i]!), captions }))
}

/** COCO's captions (https://cocodataset.org/#format-data): captions_train2017.json and the like. */
import { basename, dirname, join, resolve } from 'node:path'
import { ClipwrightError } from '../../base/errors.js'
import { shorten } from '../../base/shorten.js'
import { emptyCaption } from '../caption-text.js'
import { kindOf, picturePath } from '../checks.js'
import { entryOr } from '../faults.js'
import { ById, idOf } from '../ids.js'
import { ListedSource } from '../listed.js'
import { pictureFolder } from '../picture-folder.js'
import { refuseSplit } from '../rows.js'
import type { Sample, SourceOptions } from '../source.js'
import type { SourceKind } from '../source-kind.js'

type CocoFile = { images: unknown[]; annotations: unknown[] }
type Picture = Sample & { captions: string[] }

export const coco: SourceKind = {
  takes: 'COCO\'s captions { "images", "annotations" }',
  fits: async (candidate) =>
    !candidate.isFolder && !(await candidate.beginsWithList()) && isCoco(await candidate.json()),
  async open(candidate, options) {
    const { path } = candidate
    refuseSplit(path, options.split, "a file of COCO's captions")
    const pictures = parse(path, (await candidate.json()) as CocoFile, options)
    const items = pictures.filter(({ captions }) => captions.length > 0)
    if (items.length === 0 && !options.faults?.count)
      throw new ClipwrightError('ERR_DATA', `${path} has no captions in "annotations"`)
    const distractors = pictures.filter(({ captions }) => captions.length === 0).map(({ image }) => image)
    return new ListedSource({ path, format: 'coco', protocol: 'flickr', items, distractors })
  },
}

function isCoco(json: unknown): json is CocoFile {
  const { images, annotations } = Object(json) as Partial<CocoFile>
  return Array.isArray(images) && Array.isArray(annotations)
}

function parse(
  path: string,
  { images, annotations }: CocoFile,
  { absolutePaths = false, faults }: SourceOptions,
): Picture[] {
  const failAt = (where: string) => (what: string, cause?: Error) => {
    throw new ClipwrightError('ERR_DATA', `${where} of ${path}: ${what}`, { cause })
  }
  const files = images.map((entry, i) => {
    const fail: (what: string) => never = failAt(`images[${i}]`)
    const { id, file_name: name } = Object(entry) as Record<string, unknown>
    if (typeof name !== 'string' || name === '') return fail(`expected a name in "file_name", got ${kindOf(name)}`)
    return { id: idOf(id) ?? fail(`expected an id in "id", got ${kindOf(id)}`), name, fail }
  })
  const base = dirname(resolve(path))
  const names = files.map(({ name }) => name)
  const folder = pictureFolder(base, names, folders(path))
  const byId = new ById<Picture>()
  const pictures = files.map(({ id, name, fail }) => {
    const picture = { image: picturePath(base, join(folder, name), absolutePaths, fail), id, captions: [] }
    byId.set(id, picture)
    return picture
  })
  const read = (i: number, entry: unknown) => {
    const fail: (what: string, cause?: Error) => never = failAt(`annotations[${i}]`)
    const { image_id, caption } = Object(entry) as Record<string, unknown>
    if (typeof caption !== 'string' || caption.trim() === '')
      return fail(`expected a caption in "caption", got ${kindOf(caption)}`, emptyCaption(caption))
    const id = idOf(image_id) ?? fail(`expected an id in "image_id", got ${kindOf(image_id)}`)
    const found = byId.find(id, fail) ?? fail(`"images" has no picture with the id ${shorten(id)}`)
    found.value.captions.push(caption)
  }
  for (const [i, entry] of annotations.entries())
    entryOr(faults, `annotations[${i}] of ${path}`, () => read(i, entry), 0)
  return pictures
}

/** As COCO unpacks: `annotations/captions_val2017.json` beside the folder `val2017`. */
function folders(path: string): string[] {
  const part = /^captions_(.+)\.json$/i.exec(basename(path))?.[1]
  const own = part === undefined ? [] : [part, `images/${part}`, `../${part}`, `../images/${part}`]
  return ['', ...own, 'images', '../images']
}

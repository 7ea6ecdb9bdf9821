/** A folder of pictures for each class, as torchvision's ImageFolder has them: their captions are sentences around its name. */
import { createHash } from 'node:crypto'
import { isPictureName } from '../../image/find-images.js'
import { readClassFolders } from '../class-folders.js'
import { ListedSource, type SharedCaption } from '../listed.js'
import { refuseSplit } from '../rows.js'
import type { Sample } from '../source.js'
import type { SourceKind } from '../source-kind.js'

export const classPictures: SourceKind = {
  takes: 'a folder with one of pictures for each class',
  fits: async (candidate) =>
    candidate.isFolder && (await candidate.files()).some((file) => file.includes('/') && isPictureName(file)),
  async open({ path }, { split, captionsOfClass = (name) => [`a photo of a ${name}.`] }) {
    refuseSplit(path, split, 'a folder of classes')
    const { classes } = await readClassFolders(path)
    const items: Sample[] = []
    const shared: SharedCaption[] = []
    const hash = createHash('sha256')
    for (const { name, images } of classes) {
      const captions = captionsOfClass(name)
      const own = images.map((image) => items.push({ image, captions }) - 1)
      for (const caption of captions) shared.push({ caption, items: own })
      hash.update(JSON.stringify([captions, images.map((image) => image.slice(path.length))]))
    }
    const digest = hash.digest('hex')
    return new ListedSource({ path, format: 'classes', protocol: 'any', items, shared, digest })
  },
}

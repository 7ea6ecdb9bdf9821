/** How a checkpoint's state knows the weights that belong to it. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { openClipFolder } from '../checkpoint/layouts/open-clip/folder.js'
import { fileSystem } from '../files/append-file.js'

/** As training saves: the whole model in one file. */
export const WEIGHTS_NAME = openClipFolder.weights[0] as string

/** SHA-256 of the weights' file in a checkpoint's folder. @throws ClipwrightError ERR_IO */
export async function digestOf(folder: string): Promise<string> {
  const hash = createHash('sha256')
  const path = join(folder, WEIGHTS_NAME)
  await fileSystem(path, async () => {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk)
  })
  return hash.digest('hex')
}

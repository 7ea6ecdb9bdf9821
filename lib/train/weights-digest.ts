/** How a checkpoint's state knows the weights that belong to it. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { openClipFolder } from '../checkpoint/layouts/open-clip/folder.js'
import { fileSystem } from '../files/append-file.js'

/** As training saves: the whole model in one file. */
export const WEIGHTS_NAME = openClipFolder.weights[0] as string

export const WEIGHTS_HASH = 'sha256'

/** Of the weights' file in a checkpoint's folder. @throws ClipwrightError ERR_IO */
export async function digestOf(folder: string): Promise<string> {
  const hash = createHash(WEIGHTS_HASH)
  const path = join(folder, WEIGHTS_NAME)
  await fileSystem(path, async () => {
    const handle = await open(path)
    try {
      const chunk = Buffer.alloc(2 ** 20)
      for (;;) {
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, null)
        if (bytesRead === 0) break
        hash.update(chunk.subarray(0, bytesRead))
      }
    } finally {
      await handle.close()
    }
  })
  return hash.digest('hex')
}

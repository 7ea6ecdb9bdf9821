/** What the commands are tried on: a small model, three pictures, their list, texts, and a picture that is none. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { type Ended, clipwright as start } from '../programs/program.js'
import { temporaryFolder } from '../train/pictures.js'

export const clipwright = (...args: string[]): Promise<Ended> => start(args, { timeout: 60_000 }).ended

/** Messages without the breaks of their lines. */
export const unwrapped = (text: string) => text.replace(/\n(?!warning: |left out |$)/g, ' ')

/** Written before the file's tests and removed after them. @returns the folder, and the model's in it */
export function modelAndPictures(): { folder: string; model: string } {
  const folder = temporaryFolder()
  const model = join(folder, 'model')
  beforeAll(async () => {
    const clip = await Clip.create('ViT-tiny-test', { seed: 4 })
    await clip.save(model)
    await clip.dispose()
    const colours = { red: '#d22', green: '#2b2', blue: '#22d' }
    for (const [name, background] of Object.entries(colours)) {
      await sharp({ create: { width: 40, height: 40, channels: 3, background } })
        .png()
        .toFile(join(folder, `${name}.png`))
    }
    await writeFile(
      join(folder, 'val.json'),
      JSON.stringify(
        Object.keys(colours).map((name) => ({ image: `${name}.png`, caption: [`a ${name} square`, name] })),
      ),
    )
    await writeFile(join(folder, 'texts.txt'), 'one\n\ntwo words\n')
    await writeFile(join(folder, 'text.png'), 'no picture at all')
  })
  return { folder, model }
}

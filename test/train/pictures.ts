/** Caption lists of small generated pictures: a shape of one colour on another, said in the caption. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll } from 'vitest'

const COLOURS = ['red', 'green', 'blue', 'yellow', 'black', 'white', 'purple', 'orange']

/** A folder that is removed after the file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'clipwright-train-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export type Entry = { image: string; caption: string | string[] }

/** Writes `count` pictures of 32 × 32 and their list. @returns the list's path */
export async function captionList(
  folder: string,
  name: string,
  count: number,
  change: (entry: Entry, i: number) => Entry = (entry) => entry,
): Promise<string> {
  mkdirSync(join(folder, name), { recursive: true })
  const entries = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const [inner, outer] = [COLOURS[i % 8]!, COLOURS[(i + 1 + (i >> 3)) % 8]!]
      const image = join(name, `${i}.png`)
      const shape = i % 2 ? '<circle cx="16" cy="16" r="9"' : '<rect x="8" y="8" width="16" height="16"'
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"><rect width="32" height="32" fill="${outer}"/>${shape} fill="${inner}"/></svg>`
      await sharp(Buffer.from(svg)).flatten().png().toFile(join(folder, image))
      const caption = `a ${inner} ${i % 2 ? 'circle' : 'square'} on ${outer}`
      return change({ image, caption: [caption, `${inner} on ${outer}`] }, i)
    }),
  )
  const path = join(folder, `${name}.json`)
  writeFileSync(path, JSON.stringify(entries))
  return path
}

/** Pictures sorted into folders by what they show: shapes of one colour, each of another shade and place. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'

/** Writes `count` pictures of 32 × 32 for each class: a folder's name, and the hue that its pictures have. */
export async function classFolders(root: string, classes: Record<string, number>, count: number): Promise<string> {
  for (const [name, hue] of Object.entries(classes)) {
    mkdirSync(join(root, name), { recursive: true })
    for (let i = 0; i < count; i++) {
      const [x, y, light] = [8 + ((i * 7) % 16), 8 + ((i * 5) % 16), 35 + ((i * 11) % 30)]
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"><rect width="32" height="32" fill="#ddd"/><circle cx="${x}" cy="${y}" r="9" fill="hsl(${hue},80%,${light}%)"/></svg>`
      await sharp(Buffer.from(svg))
        .flatten()
        .png()
        .toFile(join(root, name, `${i}.png`))
    }
  }
  return root
}

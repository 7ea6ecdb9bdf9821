// Pictures and caption lists for the quickstart, made from two npm packages: nothing is downloaded.
// Drawings: Twemoji, by Twitter, Inc and other contributors, CC-BY 4.0 (rasterised on white). Names and tags: Emojibase, MIT.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { captionsIn } from './captions.mjs'
import { listItems } from './items.mjs'

const require = createRequire(import.meta.url)
const here = fileURLToPath(new URL('.', import.meta.url))
const folder = fileURLToPath(new URL('../../.cache/quickstart', import.meta.url))

/** Pixels a side: twice the drawings' own grid, so that their edges stay sharp. */
export const pictureSize = 72

export const credit =
  'Drawings: Twemoji, © Twitter, Inc and other contributors, rasterised; CC-BY 4.0\n(https://creativecommons.org/licenses/by/4.0/). Names and tags: Emojibase, MIT.'

/**
 * Makes .cache/quickstart/{images/*.png,{train,val}.json,{train,val}.zh.json} unless they are there already: the same
 * pictures, split alike, with captions in each language.
 * train and val are paths of that language's caption lists (val: the held-out items); folder is where they lie.
 * @param {'en' | 'zh'} language
 * @returns {Promise<{ train: string, val: string, folder: string }>}
 */
export async function prepareQuickstart(language = 'en') {
  const lists = { train: join(folder, listOf('train', language)), val: join(folder, listOf('val', language)), folder }
  const stamp = join(folder, 'stamp')
  const wanted = inputsHash()
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return lists

  // Made aside and renamed: an interrupted run leaves nothing that looks finished.
  mkdirSync(dirname(folder), { recursive: true })
  const staged = mkdtempSync(`${folder}-`)
  try {
    mkdirSync(join(staged, 'images'))
    await forEachAtOnce(8, listItems(), async (item) => {
      await (await rasterise(item)).png({ compressionLevel: 3 }).toFile(join(staged, imageOf(item)))
    })
    const heldOut = new Set(JSON.parse(readFileSync(join(here, 'held-out.json'), 'utf8')))
    for (const [tongue, captionsOf] of Object.entries(captionsIn)) {
      const items = listItems(tongue)
      const list = (isHeldOut) => {
        const side = items.filter(({ id }) => heldOut.has(id) === isHeldOut)
        return JSON.stringify(
          side.map((item) => ({ image: imageOf(item), caption: captionsOf(item) })),
          null,
          1,
        )
      }
      writeFileSync(join(staged, listOf('train', tongue)), list(false))
      writeFileSync(join(staged, listOf('val', tongue)), list(true))
    }
    writeFileSync(join(staged, 'stamp'), wanted)
    rmSync(folder, { recursive: true, force: true })
    renameSync(staged, folder)
  } finally {
    rmSync(staged, { recursive: true, force: true })
  }
  return lists
}

/** A sharp pipeline with the drawing as RGB [pictureSize, pictureSize, 3] on white. @param {import('./items.mjs').Item} item */
export async function rasterise({ svg }) {
  const image = sharp(svg)
  const { width, density } = await image.metadata()
  return sharp(svg, { density: (density * pictureSize) / width })
    .resize(pictureSize, pictureSize)
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
}

/** Runs `action` on every item, at most `count` of them at once. */
export async function forEachAtOnce(count, items, action) {
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await action(item)
  }
  await Promise.all(Array.from({ length: count }, worker))
}

const listOf = (side, language) => (language === 'en' ? `${side}.json` : `${side}.${language}.json`)
const imageOf = ({ id }) => `images/${id}.png`

// Everything that the files are made from: the packages' versions, the list, and the code itself.
function inputsHash() {
  const hash = createHash('sha256')
  for (const name of ['@twemoji/svg', 'emojibase-data']) hash.update(require(`${name}/package.json`).version)
  hash.update(JSON.stringify(sharp.versions))
  for (const file of ['held-out.json', 'data.mjs', 'items.mjs', 'captions.mjs'])
    hash.update(readFileSync(join(here, file)))
  return hash.digest('hex')
}

// The quickstart's drawings in two halves by theme, each with the training and the held-out drawings of its themes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { prepareQuickstart } from '../../examples/quickstart/data.mjs'
import { listItems } from '../../examples/quickstart/items.mjs'

/**
 * Themes, from the one with most drawings to train on to the one with fewest, each go to the half that has fewer so far: no theme
 * is chosen by hand.
 * @param {number[]} themes of the drawings that are trained on, one each
 * @returns {Map<number, 'a' | 'b'>}
 */
export function chooseHalves(themes) {
  const counts = new Map()
  for (const theme of themes) counts.set(theme, (counts.get(theme) ?? 0) + 1)
  const sizes = { a: 0, b: 0 }
  const halfOf = new Map()
  for (const [theme, count] of [...counts].sort(([t, n], [u, m]) => m - n || t - u)) {
    const half = sizes.a <= sizes.b ? 'a' : 'b'
    sizes[half] += count
    halfOf.set(theme, half)
  }
  return halfOf
}

/**
 * Caption lists in `folder`, whose pictures lie in the quickstart's.
 * @returns {Promise<Record<'a' | 'b', { train: string, val: string, pairs: number, held: number }>>}
 */
export async function prepareHalves(folder) {
  const whole = await prepareQuickstart('en')
  const themes = new Map(listItems('en').map(({ id, theme }) => [id, theme]))
  const themeOf = ({ image }) => themes.get(basename(image, '.png'))
  const read = (path) =>
    JSON.parse(readFileSync(path, 'utf8')).map((entry) => ({ ...entry, image: join(dirname(path), entry.image) }))
  const [train, val] = [read(whole.train), read(whole.val)]
  const halfOf = chooseHalves(train.map(themeOf))
  mkdirSync(folder, { recursive: true })
  const write = (name, entries) => {
    const path = join(folder, `${name}.json`)
    writeFileSync(path, JSON.stringify(entries, null, 1))
    return path
  }
  const half = (which) => {
    const [learnt, asked] = [train, val].map((list) => list.filter((entry) => halfOf.get(themeOf(entry)) === which))
    const paths = { train: write(`train-${which}`, learnt), val: write(`val-${which}`, asked) }
    return { ...paths, pairs: learnt.length, held: asked.length }
  }
  return { a: half('a'), b: half('b') }
}

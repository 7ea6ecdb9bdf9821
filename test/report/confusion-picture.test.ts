import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { confusionSvg, writeConfusionPicture } from '../../lib/report/confusion-picture.js'
import { OKABE_ITO } from '../../lib/report/palette.js'
import { temporaryFolder } from '../train/pictures.js'

const folder = temporaryFolder()
const small = {
  title: 'Zero <shot>',
  classes: ['cat & dog', 'bird'],
  counts: [
    [3, 1],
    [0, 2],
  ],
}

describe('a confusion picture', () => {
  test('has a cell for each pair that occurs, in the colour of right or wrong, as dark as its share', () => {
    const svg = confusionSvg(small)
    const cells = [...svg.matchAll(/class="cell" x="(\d+).*?" y="(\d+).*?fill="(.+?)" fill-opacity="(.+?)"/g)]
    expect(cells.map(([, , , fill, opacity]) => [fill, opacity])).toEqual([
      [OKABE_ITO.blue, '0.770'],
      [OKABE_ITO.vermilion, '0.310'],
      [OKABE_ITO.blue, '1.000'],
    ])
    const [a, b, c] = cells.map(([, x, y]) => [Number(x), Number(y)] as const)
    expect(a![1]).toBe(b![1]) // a row is an own class
    expect([b![0], c![0]]).toEqual([a![0] + 64, a![0] + 64])
    for (const text of ['cat &amp; dog', 'bird', '>75<', '>25<', '>100<', 'Zero &lt;shot&gt;'])
      expect(svg).toContain(text)
  })

  test('of a thousand classes stays a picture, without names', async () => {
    const classes = Array.from({ length: 1000 }, (_, i) => `class ${i}`)
    const counts = classes.map((_, i) => classes.map((_, j) => Number(i === j || j === (i * 7) % 1000)))
    const svg = confusionSvg({ title: 'many', classes, counts })
    expect(svg).not.toContain('class 5')
    const { width, height } = await sharp(Buffer.from(svg)).metadata()
    expect(width).toBeLessThan(1200)
    expect(height).toBeLessThan(1300)
  })

  test('is written as its name ends', async () => {
    const [svg, png] = [join(folder, 'a.svg'), join(folder, 'a.PNG')]
    await writeConfusionPicture(svg, small)
    await writeConfusionPicture(png, small)
    expect(readFileSync(svg, 'utf8')).toBe(confusionSvg(small))
    expect((await sharp(png).metadata()).format).toBe('png')
  })
})

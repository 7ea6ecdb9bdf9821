import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { classFolders } from '../eval/zero-shot/folders.js'
import { clipwright, modelAndPictures } from './model-and-pictures.js'

const { folder, model } = modelAndPictures()
const [red, green] = ['red', 'green'].map((name) => join(folder, `${name}.png`)) as [string, string]
const classify = (...args: string[]) => clipwright('classify', '--model', model, '--threads', '1', ...args)

describe('clipwright classify', () => {
  it('tells classes of pictures, by names and from a file, alike', async () => {
    const { code, stdout } = await classify(red, green, '--classes', 'one, two words', '--json')
    expect(code).toBe(0)
    const found = JSON.parse(stdout) as { image: string; results: { label: string; probability: number }[] }[]
    expect(found.map(({ image }) => image)).toEqual([red, green])
    for (const { results } of found) {
      expect(results.map(({ label }) => label).sort()).toEqual(['one', 'two words'])
      expect(results[0]!.probability).toBeGreaterThanOrEqual(results[1]!.probability)
      expect(results[0]!.probability + results[1]!.probability).toBeCloseTo(1, 9)
    }
    expect(await classify(red, green, '--classes-file', join(folder, 'texts.txt'), '--json')).toMatchObject({ stdout })
    const others = await classify(red, green, '--classes', 'one,two words', '--templates', 'art of {}', '--json')
    expect(others.stdout).not.toBe(stdout)
  })

  it('says that a class alone is always right', async () => {
    const alone = await classify(red, '--classes', 'circle')
    expect(alone).toMatchObject({ code: 0, stdout: expect.stringContaining('A softmax needs rivals') })
    expect((await classify(red, '--classes', 'circle,b', '--top-k', '1')).stdout).not.toContain('rivals')
  })

  it('takes a folder without what cannot be read, shows the first classes, within 80 columns', async () => {
    const photos = join(folder, 'photos')
    mkdirSync(photos)
    await sharp(red).toFile(join(photos, 'a.png'))
    writeFileSync(join(photos, 'b.png'), 'no picture')
    const classes = ['a', 'b', `long ${'name '.repeat(30)}`, 'd', 'e', 'f']
    writeFileSync(join(folder, 'six.txt'), classes.join('\n'))
    const args = [photos, '--classes-file', join(folder, 'six.txt')]
    const five = await classify(...args)
    expect(five).toMatchObject({ code: 0, stderr: expect.stringMatching(/^left out .*b\.png: /) })
    expect(five.stdout.trimEnd().split('\n')).toHaveLength(1 + 5)
    const all = await classify(...args, '--top-k', '6')
    const lines = all.stdout.trimEnd().split('\n').slice(1)
    expect(lines).toHaveLength(6)
    for (const line of lines) expect(line).toMatch(/^ {2,4}\d+\.\d % {2}\S/)
    expect(Math.max(...lines.map((line) => line.length))).toBe(80)
    expect((await classify(...args, '--no-skip-bad')).code).toBe(1)
  })

  it('with --threshold shows all classes that are so probable, and no other', async () => {
    const args = [red, '--classes', 'a,b,c,d,e,f,g,h', '--json']
    const read = (text: string) => JSON.parse(text)[0].results as { probability: number }[]
    const all = read((await classify(...args, '--top-k', '8')).stdout)
    const least = all[5]!.probability
    expect(read((await classify(...args, '--threshold', `${least}`)).stdout)).toEqual(all.slice(0, 6))
    expect(read((await classify(...args, '--threshold', `${least}`, '--top-k', '2')).stdout)).toEqual(all.slice(0, 2))
    const none = await classify(...args.slice(0, -1), '--threshold', '1')
    expect(none).toMatchObject({ code: 0, stdout: `${red}\n  no class is that probable\n` })
  })

  it.each([
    [[red], 2, /either --classes or --classes-file/],
    [[red, '--classes', 'a,b,a'], 1, /more than once \(a\)/],
    [[red, '--classes', 'a,,b'], 1, /class name 1/],
    [[red, '--classes', 'a,b', '--templates', 'nothing'], 2, /--templates: expected \{\} or \{c\}/],
    [[red, '--classes', 'a,b', '--threshold', '2'], 2, /--threshold: expected a number of at most 1/],
    [['--classes', 'a,b'], 2, /pictures/],
  ])('refuses %j', async (args, code, message) => {
    expect(await classify(...args)).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) })
  })
})

describe('clipwright eval --zero-shot', () => {
  const data = join(folder, 'classes')
  beforeAll(() => classFolders(data, { red: 0, green: 120, dark_blue: 240 }, 3))

  it('prints accuracy with its interval, and draws the confusions', async () => {
    const plot = join(folder, 'confusion.svg')
    const args = ['eval', '--model', model, '--zero-shot', data, '--bootstrap', '20', '--plot', plot]
    const json = await clipwright(...args, '--json')
    expect(json).toMatchObject({ code: 0, stderr: expect.stringContaining('warning: With 3 classes') })
    const r = JSON.parse(json.stdout)
    expect(r).toMatchObject({ images: 9, top5: 100, protocol: { names: 'folders', interval: { samples: 20 } } })
    expect(r.classes.map(({ name }: { name: string }) => name)).toEqual(['dark blue', 'green', 'red'])
    expect(readFileSync(plot, 'utf8')).toContain('dark blue')

    const { stdout } = await clipwright(...args, '--templates', 'imagenet')
    expect(stdout).toMatch(/^9 pictures of 3 classes, percent\n/)
    expect(stdout).toMatch(/top-1 +\d+\.\d\d +33\.33 +\d+\.\d\d-\d+\.\d\d\n/)
    expect(stdout).toContain('80 sentences a class')
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  it.each([
    [['--data', 'x.json', '--zero-shot', 'y'], /either --data or --zero-shot/],
    [[], /either --data or --zero-shot/],
    [['--zero-shot', 'y', '--split', 'test'], /--split belongs to --data/],
    [['--data', 'x.json', '--plot', 'y.png'], /--plot belongs to --zero-shot/],
    [['--zero-shot', 'y', '--plot', 'y.jpg'], /ends in \.png or \.svg/],
  ])('refuses %j', async (args, message) => {
    expect(await clipwright('eval', '--model', model, ...args)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(message),
    })
  })
})

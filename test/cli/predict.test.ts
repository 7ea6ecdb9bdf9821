import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { hasFonts, NO_CHINESE_FONTS, NO_FONTS } from '../../lib/report/svg.js'
import { clipwright, modelAndPictures, unwrapped } from './model-and-pictures.js'

const { folder, model } = modelAndPictures()

describe('clipwright', () => {
  it('predict gives every text a probability, most probable first', async () => {
    const images = ['red', 'blue'].flatMap((name) => ['--image', join(folder, `${name}.png`)])
    const { code, stdout } = await clipwright(
      'predict',
      '--model',
      model,
      ...images,
      '--text',
      'red',
      '--text',
      'blue',
      '--text',
      'sky',
      '--json',
    )
    expect(code).toBe(0)
    const all = JSON.parse(stdout) as { image: string; results: { text: string; probability: number }[] }[]
    expect(all.map((p) => p.image)).toEqual([join(folder, 'red.png'), join(folder, 'blue.png')])
    for (const { results } of all) {
      expect(results.map((r) => r.text).sort()).toEqual(['blue', 'red', 'sky'])
      const p = results.map((r) => r.probability)
      expect(p.reduce((a, b) => a + b)).toBeCloseTo(1, 6)
      expect(p).toEqual([...p].sort((a, b) => b - a))
    }
    // exp(logit_scale) times the cosines, softmax over the texts.
    await using clip = await Clip.load(model, { threads: 1 })
    const texts = ['red', 'blue', 'sky']
    const { data } = await clip.encodeTexts(texts)
    const scale = await clip
      .parameters()
      .find(({ name }) => name === 'logit_scale')!
      .read()
    for (const { image: path, results } of all) {
      const image = (await clip.encodeImages([path])).data
      const weights = texts.map((_, j) =>
        Math.exp(Math.exp(scale.data[0]!) * image.reduce((sum, x, k) => sum + x * data[j * image.length + k]!, 0)),
      )
      for (const { text, probability } of results)
        expect(probability).toBeCloseTo(weights[texts.indexOf(text)]! / weights.reduce((a, b) => a + b), 4)
    }
  })

  it('predict says how many texts were cut', async () => {
    const picture = join(folder, 'red.png')
    const run = (...texts: string[]) =>
      clipwright('predict', '--model', model, picture, ...texts.flatMap((text) => ['--text', text]))
    const { code, stderr } = await run('sky '.repeat(200), 'red', 'blue '.repeat(200))
    expect(code).toBe(0)
    expect(unwrapped(stderr)).toMatch(
      /2 of 3 texts are longer than the model's context of \d+ tokens and lost their end/,
    )
    expect((await run('sky', 'red')).stderr).toBe('')
  })

  it('predict takes files, folders, patterns and a file of texts, and tells the first k', async () => {
    const shelf = join(folder, 'shelf')
    await mkdir(shelf, { recursive: true })
    for (const name of ['red', 'blue']) await copyFile(join(folder, `${name}.png`), join(shelf, `${name}.png`))
    await writeFile(join(folder, 'labels.txt'), 'red\n\nblue\nsky\n')
    const predicted = async (...args: string[]) => {
      const { code, stdout, stderr } = await clipwright(
        'predict',
        '--model',
        model,
        ...args,
        '--threads',
        '1',
        '--json',
      )
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      return JSON.parse(stdout) as { image: string; results: { text: string; probability: number }[] }[]
    }
    const texts = ['--text', 'red', '--text', 'blue', '--text', 'sky']
    const [red, green] = ['red', 'green'].map((name) => join(folder, `${name}.png`))
    const whole = await predicted(red!, ...texts)
    expect(await predicted('--image', red!, '--texts', join(folder, 'labels.txt'))).toEqual(whole)
    const all = await predicted(green!, shelf, join(shelf, 'r*.png'), '--image', red!, ...texts, '--top-k', '2')
    const inShelf = ['blue', 'red', 'red'].map((name) => join(shelf, `${name}.png`))
    expect(all.map(({ image }) => image)).toEqual([red, green, ...inShelf])
    expect(all.map(({ results }) => results.length)).toEqual([2, 2, 2, 2, 2])
    expect(all[0]!.results.map((r) => r.text)).toEqual(whole[0]!.results.slice(0, 2).map((r) => r.text))

    for (const [args, missing] of [
      [[...texts], 'at least one picture'],
      [[red!], 'at least one text'],
      [[red!, ...texts, '--top-k', '0'], '--top-k'],
    ] as const)
      expect(await clipwright('predict', '--model', model, ...args)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(missing),
      })
  })

  it('predict leaves out bad pictures of folders and says so, as encode and classify do', async () => {
    const mixed = join(folder, 'mixed')
    await mkdir(mixed, { recursive: true })
    for (const name of ['red', 'text']) await copyFile(join(folder, `${name}.png`), join(mixed, `${name}.png`))
    const args = ['predict', '--model', model, '--threads', '1', '--text', 'red', '--text', 'blue', '--json']
    const bad = join(mixed, 'text.png')
    const { code, stdout, stderr } = await clipwright(...args, mixed)
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(`left out ${bad}: `) })
    expect(JSON.parse(stdout)).toEqual(JSON.parse((await clipwright(...args, join(mixed, 'red.png'))).stdout))
    expect(await clipwright(...args, bad, join(folder, 'red.png'), '--skip-bad')).toMatchObject({ code: 0, stderr })
    for (const refused of [
      [mixed, '--no-skip-bad'],
      [bad, join(folder, 'red.png')],
    ])
      expect(await clipwright(...args, ...refused)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/text\.png.*; --skip-bad leaves out what cannot be read\.\n$/s),
      })
    // Of one picture nothing would be left.
    expect((await clipwright(...args, bad)).stderr).not.toContain('--skip-bad')
  })

  it('predict aligns percentages, and of one text alone shows the similarity', async () => {
    const args = ['predict', '--model', model, join(folder, 'red.png'), '--threads', '1']
    const texts = Array.from({ length: 12 }, (_, i) => ['--text', `text ${i}`]).flat()
    const [image, ...lines] = (await clipwright(...args, ...texts)).stdout.trimEnd().split('\n')
    expect(image).toBe(join(folder, 'red.png'))
    expect(lines).toHaveLength(12)
    for (const line of lines) expect(line).toMatch(/^ {2}[ \d]{3}\.\d % {2}text \d+$/)
    expect(lines.some((line) => /^ {4}\d\./.test(line))).toBe(true) // else nothing had to be aligned

    const { stdout } = await clipwright(...args, '--text', 'a cat')
    const [{ results }] = JSON.parse((await clipwright(...args, '--text', 'a cat', '--json')).stdout)
    expect(results).toEqual([{ text: 'a cat', probability: 1, similarity: expect.any(Number) }])
    expect(stdout).toContain(`  100.0 %  similarity ${results[0].similarity.toFixed(3)}  a cat\n`)
    expect(stdout).toContain('A softmax needs rivals')
  })

  it('predict draws what it found, and says when it lacks a font', async () => {
    const plot = join(folder, 'prediction.png')
    const image = join(folder, 'red.png')
    const args = ['--model', model, '--image', image, '--text', 'red', '--text', '一只猫', '--plot', plot]
    const { code, stdout, stderr } = await clipwright('predict', ...args)
    expect(code).toBe(0)
    expect(stdout).toContain('一只猫')
    expect(await sharp(plot).metadata()).toMatchObject({ format: 'png', width: 1696, height: 704 })
    expect(unwrapped(stderr)).toBe(
      (await hasFonts('chinese')) ? '' : `warning: ${(await hasFonts()) ? NO_CHINESE_FONTS : NO_FONTS}\n`,
    )
    const nowhere = await clipwright('predict', ...args, '--plot', join(folder, 'none', 'x.png'))
    expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining('none') })
  })

  it('predict draws into .png alone', async () => {
    const args = ['--model', model, '--image', join(folder, 'red.png'), '--text', 'red', '--plot']
    for (const path of ['x.jpg', '.png', 'png', 'x.png.txt'])
      expect(await clipwright('predict', ...args, path)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('.png'),
      })
    // Without Chinese in the texts, no Chinese font is missed.
    const drawn = await clipwright('predict', ...args, join(folder, 'RED.PNG'))
    expect(drawn.code).toBe(0)
    expect(unwrapped(drawn.stderr)).toBe((await hasFonts()) ? '' : `warning: ${NO_FONTS}\n`)
  })
})

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { preCaption } from '../../lib/tokenizer/pre-caption.js'
import { clipwright, modelAndPictures, unwrapped } from './model-and-pictures.js'

const { folder, model } = modelAndPictures()

describe('clipwright', () => {
  it('eval prints the recall table', async () => {
    const { code, stdout } = await clipwright('eval', '--model', model, '--data', join(folder, 'val.json'), '--json')
    expect(code).toBe(0)
    const table = JSON.parse(stdout)
    // Three pictures: among five best is each.
    expect(table).toMatchObject({ img_r5: 100, img_r10: 100, images: 3, captions: 6 })
    expect(table.r_mean).toBeCloseTo((table.txt_r_mean + table.img_r_mean) / 2, 9)
  })

  it('eval says by what protocol it measured, how sure it is, and what is unusual', async () => {
    const args = [
      'eval',
      '--model',
      model,
      '--data',
      join(folder, 'val.json'),
      '--pre-caption',
      '--prompt',
      'this is {}',
    ]
    const { code, stdout, stderr } = await clipwright(...args, '--protocol', 'flickr', '--bootstrap', '50', '--json')
    expect(code).toBe(0)
    const r = JSON.parse(stdout)
    expect(r.protocol).toMatchObject({
      name: 'flickr',
      data: join(folder, 'val.json'),
      format: 'list',
      split: null,
      captionsPerPicture: { least: 2, most: 2, mean: 2 },
      cleaning: 'preCaption',
      prompt: 'this is {}',
      preprocessing: { resize_mode: 'shortest', interpolation: 'bicubic' },
      interval: { share: 0.95, over: 'pictures', samples: 50, seed: 0 },
    })
    expect(r.interval.img_r10).toEqual([100, 100])
    expect(r.interval.r_mean[0]).toBeLessThanOrEqual(r.r_mean)
    expect(r.warnings).toEqual([expect.stringContaining('expects 5 captions per picture')])
    expect(unwrapped(stderr)).toContain(`warning: ${r.warnings[0]}`)

    const text = await clipwright(...args, '--bootstrap', '0', '--protocol', 'any', '--resize', 'squash')
    expect(text).toMatchObject({ code: 0, stderr: '' })
    expect(text.stdout).toMatch(/image to text .*\ntext to image .*\n/)
    const protocol = text.stdout.replaceAll('\n', ' ')
    expect(protocol).toMatch(
      /protocol any; 2 captions per picture; captions cleaned by preCaption; prompt "this is \{\}"/,
    )
    expect(protocol).toContain('; pictures 32 px, bicubic, squash')
    expect((await clipwright(...args)).stdout).toMatch(/image to text .*\n {2}95 % interval +\d+\.\d\d-\d+\.\d\d/)
    expect(await clipwright('eval', '--model', model, '--data', 'x', '--prompt', 'no place')).toMatchObject({ code: 2 })
  })

  it('eval misses five captions per picture only where the data or the protocol ask for them', async () => {
    const sentences = ['a', 'b'].map((raw) => ({ raw }))
    const images = ['red', 'green'].map((name) => ({ filename: `${name}.png`, split: 'test', sentences }))
    const karpathy = join(folder, 'two-captions.json')
    await writeFile(karpathy, JSON.stringify({ images }))
    const list = join(folder, 'val.json')
    const measured = async (data: string, ...more: string[]) => {
      const args = ['--data', data, '--bootstrap', '0', '--json', ...more]
      const { stdout, stderr } = await clipwright('eval', '--model', model, ...args)
      const { protocol, warnings } = JSON.parse(stdout)
      expect(unwrapped(stderr)).toBe(warnings.map((warning: string) => `warning: ${warning}\n`).join(''))
      return [protocol.name, warnings.length]
    }
    expect(await measured(list)).toEqual(['any', 0])
    expect(await measured(list, '--protocol', 'flickr')).toEqual(['flickr', 1])
    expect(await measured(karpathy)).toEqual(['flickr', 1])
    expect(await measured(karpathy, '--protocol', 'any')).toEqual(['any', 0])
  })

  it('eval measures captions cleaned and prompted, and prints what it measured', async () => {
    const pictures = Array.from({ length: 12 }, (_, i) => ({
      image: `noise-${i}.png`,
      caption: [`A No. ${i}-th picture!`, `${'ab/c '.repeat(i + 1)}!`, 'A', `B ${i}`],
    }))
    for (const [i, { image }] of pictures.entries())
      await sharp({
        create: { width: 40, height: 40, channels: 3, background: { r: 20 * i, g: 255 - 20 * i, b: (i * 90) % 256 } },
      })
        .png()
        .toFile(join(folder, image))
    const list = async (name: string, change: (caption: string) => string) => {
      const changed = pictures.map(({ image, caption }) => ({ image, caption: caption.map(change) }))
      await writeFile(join(folder, name), JSON.stringify(changed))
      return ['eval', '--model', model, '--data', join(folder, name), '--protocol', 'any', '--bootstrap', '30']
    }
    const asIs = await list('as-is.json', (caption) => caption)
    const made = await list('made.json', (caption) => `this is ${preCaption(caption)}, ${preCaption(caption)}`)
    const measured = async (args: string[]) => {
      const { protocol: _, ...rest } = JSON.parse((await clipwright(...args, '--json', '--threads', '1')).stdout)
      return rest
    }
    const flags = ['--pre-caption', '--prompt', 'this is {}, {}']
    const r = await measured([...asIs, ...flags])
    expect(r).toEqual(await measured(made))
    for (const other of [[], flags.slice(0, 1), flags.slice(1)])
      expect(await measured([...asIs, ...other]), `${other}`).not.toEqual(r)

    expect(r.txt_median_rank).not.toBe(r.img_median_rank) // or one could stand for the other below
    const { stdout } = await clipwright(...asIs, ...flags, '--threads', '1', '--seed', '0')
    const row = (of: Record<string, number>, d: string) => [1, 5, 10, '_mean'].map((k) => of[`${d}_r${k}`]!.toFixed(2))
    const interval = (d: string) =>
      [1, 5, 10, '_mean'].map((k) => r.interval[`${d}_r${k}`].map((x: number) => x.toFixed(2)).join('-'))
    const lines = stdout.split('\n').map((line) => line.split(/ {2,}/).filter((cell) => cell !== ''))
    expect(lines).toContainEqual(['image to text', ...row(r, 'txt')])
    expect(lines).toContainEqual(['text to image', ...row(r, 'img')])
    expect(lines).toContainEqual(['chance, to text', ...row(r.chance, 'txt')])
    expect(lines).toContainEqual(['chance, to image', ...row(r.chance, 'img')])
    expect(lines).toContainEqual(['95 % interval', ...interval('txt')])
    expect(lines).toContainEqual(['95 % interval', ...interval('img')])
    expect(stdout).toMatch(/^12 pictures, 48 captions, percent\n/)
    const ranks = (d: string) => `mean ${r[`${d}_mean_rank`].toFixed(2)}, median ${r[`${d}_median_rank`]}`
    const told = `ranks of the right answer: to text ${ranks('txt')}; to image ${ranks('img')} intervals:`
    expect(stdout.replace(/\n/g, ' ')).toContain(told)
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(stdout).toContain('intervals: 30 sets of pictures drawn with replacement, seed 0\n')
  })

  it('eval measures the test split unless told otherwise', async () => {
    const entry = (filename: string, split: string) => ({ filename, split, sentences: [{ raw: filename }] })
    const images = [entry('red.png', 'val'), entry('green.png', 'test'), entry('blue.png', 'test')]
    await writeFile(join(folder, 'karpathy.json'), JSON.stringify({ images }))
    const args = ['eval', '--model', model, '--data', join(folder, 'karpathy.json'), '--json']
    for (const [more, split, count] of [
      [[], 'test', 2],
      [['--split', 'val'], 'val', 1],
    ] as const) {
      const { stdout } = await clipwright(...args, ...more, '--precision', 'bf16')
      const protocol = { split, format: 'karpathy', precision: 'bf16' }
      expect(JSON.parse(stdout)).toMatchObject({ images: count, protocol })
    }
  })

  it('eval refuses pictures outside the list, unless they are asked for', async () => {
    await mkdir(join(folder, 'lists'), { recursive: true })
    const data = join(folder, 'lists', 'out.json')
    await writeFile(data, JSON.stringify([{ image: join(folder, 'red.png'), caption: 'red' }]))
    const args = ['eval', '--model', model, '--data', data, '--json']
    expect(await clipwright(...args)).toMatchObject({ code: 1, stderr: expect.stringContaining('--absolute-paths') })
    expect(await clipwright(...args, '--absolute-paths')).toMatchObject({ code: 0 })
  })
})

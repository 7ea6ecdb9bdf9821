import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  readSafetensors,
  type WritableTensor,
  writeSafetensors,
} from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import { Clip } from '../../lib/clip/clip.js'
import { listModels } from '../../lib/models/registry.js'
import { hasFonts, NO_CHINESE_FONTS, NO_FONTS } from '../../lib/report/svg.js'
import { preCaption } from '../../lib/tokenizer/pre-caption.js'
import { archive, pickle, stateDict, zip } from '../checkpoint/formats/pickle/assemble.js'

// The built command line, as users run it; `npm test` builds it before.
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

type Ended = { code: number; stdout: string; stderr: string }
const clipwright = (...args: string[]) =>
  new Promise<Ended>((resolve) => {
    execFile(process.execPath, [main, ...args], { timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr })
    })
  })

let folder: string
let model: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-cli-'))
  model = join(folder, 'model')
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
    JSON.stringify(Object.keys(colours).map((name) => ({ image: `${name}.png`, caption: [`a ${name} square`, name] }))),
  )
  await writeFile(join(folder, 'texts.txt'), 'one\n\ntwo words\n')
  await writeFile(join(folder, 'text.png'), 'no picture at all')
})

describe('clipwright', () => {
  it('explains itself, each command too, and ends with 0', async () => {
    const help = await clipwright('--help')
    expect(help.code).toBe(0)
    for (const command of ['train', 'eval', 'predict', 'encode', 'inspect', 'bench']) {
      expect(help.stdout).toContain(command)
      const own = await clipwright(command, '--help')
      expect(own.code).toBe(0)
      expect(own.stdout).toContain('Usage: clipwright')
    }
  })

  // What train says of itself is held by its own tests.
  it.each(['', 'eval', 'predict', 'encode', 'inspect', 'models', 'bench', 'bench step', 'doctor'])(
    'helps with examples that it takes, in 80 columns: %s',
    async (command) => {
      const helpOf = async (words: string[]) => (await clipwright(...words, '--help')).stdout
      const help = await helpOf(command.split(' ').filter((word) => word !== ''))
      for (const line of help.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
      expect(help).not.toMatch(/\b(captions|pairs|steps|tokens|ms|text) an? (picture|second|step|line|caption)\b/)
      const [, shown] = /\nExamples?:\n(.*)$/s.exec(help)!
      for (const example of shown!.replaceAll('\\\n', ' ').trim().split('\n')) {
        const [program, ...words] = example.trim().split(/\s+/)
        expect(program).toBe('clipwright')
        const own = await helpOf(words.slice(0, words[0] === 'bench' ? 2 : 1))
        for (const flag of words.filter((word) => word.startsWith('--'))) expect(own).toContain(`  ${flag}`)
      }
    },
  )

  it('ends with 2 at wrong usage and offers the nearest name', async () => {
    expect(await clipwright('predct')).toMatchObject({ code: 2, stderr: expect.stringContaining('predict') })
    expect(await clipwright('eval', '--model', model, '--dta', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--data'),
    })
    expect(await clipwright('eval', '--model', model)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--data'),
    })
    expect(await clipwright('bench', 'step', '--batch-size', 'many')).toMatchObject({ code: 2 })
    expect(await clipwright('encode', '--model', model, '--out', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--images or --texts'),
    })
  })

  it('ends with 1 and one sentence when something fails; the stack only with --verbose', async () => {
    const args = ['predict', '--model', model, '--image', join(folder, 'text.png'), '--text', 'x', '--json']
    const failed = await clipwright(...args)
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed.stderr).toContain('text.png')
    expect(failed.stderr.trim().split('\n')).toHaveLength(1)
    expect((await clipwright('--verbose', ...args)).stderr).toMatch(/\n\s+at /)
  })

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
    expect(stderr).toBe(
      (await hasFonts('chinese')) ? '' : `warning: ${(await hasFonts()) ? NO_CHINESE_FONTS : NO_FONTS}\n`,
    )
    const nowhere = await clipwright('predict', ...args, '--plot', join(folder, 'none', 'x.png'))
    expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining('none') })
  })

  it('tells nothing by weights that are not finite', async () => {
    const broken = join(folder, 'nan.safetensors')
    const { tensors } = await readSafetensors(join(model, 'open_clip_model.safetensors'))
    for (const name of ['visual.proj', 'text_projection']) tensors[name]!.data[0] = Number.NaN
    await writeSafetensors(broken, tensors as Record<string, WritableTensor>)
    const what = [
      ['predict', '--image', join(folder, 'red.png'), '--text', 'red'],
      ['encode', '--texts', join(folder, 'texts.txt'), '--out', join(folder, 'nan-texts.safetensors')],
      ['eval', '--data', join(folder, 'val.json')],
    ]
    for (const args of what) {
      const ended = await clipwright(...args, '--model', broken, '--architecture', 'ViT-tiny-test')
      expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('NaN or infinity') })
      expect(ended.stderr).toContain('nan.safetensors')
    }
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
    expect(drawn).toMatchObject({ code: 0, stderr: (await hasFonts()) ? '' : `warning: ${NO_FONTS}\n` })
  })

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
    expect(stderr).toContain(`warning: ${r.warnings[0]}`)

    const text = await clipwright(...args, '--bootstrap', '0', '--protocol', 'any', '--resize', 'squash')
    expect(text).toMatchObject({ code: 0, stderr: '' })
    expect(text.stdout).toMatch(/image to text .*\ntext to image .*\n/)
    expect(text.stdout).toMatch(
      /protocol any; 2 captions per picture; captions cleaned by preCaption; prompt "this is \{\}"/,
    )
    expect(text.stdout).toContain('; pictures 32 px, bicubic, squash')
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
      expect(stderr).toBe(warnings.map((warning: string) => `warning: ${warning}\n`).join(''))
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
    expect(stdout).toContain(`ranks of the right answer: to text ${ranks('txt')}; to image ${ranks('img')}\n`)
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

  it('encode writes embeddings with their ids', async () => {
    const out = join(folder, 'images.safetensors')
    expect(
      await clipwright(
        'encode',
        '--model',
        model,
        '--images',
        join(folder, '{red,green,blue}.png'),
        '--out',
        out,
        '--json',
      ),
    ).toMatchObject({ code: 0 })
    const { tensors, metadata } = await readSafetensors(out)
    const paths = JSON.parse(metadata.ids!) as string[]
    expect(paths).toEqual(['blue', 'green', 'red'].map((name) => join(folder, `${name}.png`)))
    const clip = await Clip.load(model)
    const expected = await clip.encodeImages(paths)
    await clip.dispose()
    expect(tensors.embeddings).toMatchObject({ shape: [3, 64] })
    expect([...(tensors.embeddings!.data as Float32Array)]).toEqual([...expected.data])

    const texts = join(folder, 'texts.safetensors')
    await clipwright('encode', '--model', model, '--texts', join(folder, 'texts.txt'), '--out', texts)
    const file = await readSafetensors(texts)
    expect(JSON.parse(file.metadata.ids!)).toEqual([1, 3])
    expect(file.tensors.embeddings!.shape).toEqual([2, 64])
  })

  it('encode and eval list bad pictures and leave them out: of folders, or where told to', async () => {
    const mixed = join(folder, 'mixed')
    await mkdir(mixed, { recursive: true })
    for (const name of ['red.png', 'blue.png', 'text.png']) await copyFile(join(folder, name), join(mixed, name))
    const bad = join(mixed, 'text.png')
    const out = join(folder, 'mixed.safetensors')
    const encode = ['encode', '--model', model, '--out', out, '--json', '--images']
    const whole = await clipwright(...encode, mixed)
    expect(whole).toMatchObject({ code: 0, stderr: expect.stringMatching(/^left out .*text\.png: .*\n$/) })
    expect(JSON.parse(whole.stdout)).toMatchObject({ count: 2, skipped: [{ image: bad }] })
    const named = { code: 1, stdout: '', stderr: expect.stringContaining(bad) }
    expect(await clipwright(...encode, bad, join(mixed, 'red.png'))).toMatchObject(named)
    expect(await clipwright(...encode, mixed, '--no-skip-bad')).toMatchObject(named)

    const data = join(mixed, 'list.json')
    const entries = ['red', 'text', 'blue'].map((name) => ({ image: `${name}.png`, caption: [name, `a ${name}`] }))
    await writeFile(data, JSON.stringify(entries))
    const evaluate = ['eval', '--model', model, '--data', data, '--json', '--threads', '1']
    expect(await clipwright(...evaluate)).toMatchObject(named)
    const { code, stdout, stderr } = await clipwright(...evaluate, '--skip-bad')
    expect(code).toBe(0)
    expect(stderr).toContain(`left out ${bad}: `)
    const { protocol, skipped, warnings, ...r } = JSON.parse(stdout)
    expect(r).toMatchObject({ images: 2, captions: 4 })
    expect(skipped).toEqual([{ image: bad, error: expect.stringContaining('is no picture that is known here') }])
    expect(warnings).toEqual([expect.stringContaining('1 of 3 pictures')])
    expect(protocol.captionsPerPicture).toEqual({ least: 2, most: 2, mean: 2 })
    // As if it had never been listed.
    await writeFile(data, JSON.stringify(entries.filter(({ image }) => image !== 'text.png')))
    expect(JSON.parse((await clipwright(...evaluate)).stdout)).toMatchObject(r)
  })

  it('encode replaces nothing but embeddings', async () => {
    const out = join(folder, 'notes.txt')
    await writeFile(out, 'mine')
    const refused = await clipwright('encode', '--model', model, '--texts', join(folder, 'texts.txt'), '--out', out)
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('no file of embeddings') })
    expect(await readFile(out, 'utf8')).toBe('mine')
  })

  it('encode takes a name that looks like a pattern for the file of this name', async () => {
    const [odd, plain] = ['red[1].png', 'red1.png'].map((name) => join(folder, name))
    for (const copy of [odd!, plain!]) await copyFile(join(folder, 'red.png'), copy)
    const out = join(folder, 'odd.safetensors')
    await clipwright('encode', '--model', model, '--images', odd!, '--out', out)
    expect(JSON.parse((await readSafetensors(out)).metadata.ids!)).toEqual([odd])
  })

  it('inspect shows the model and its tensors', async () => {
    const { stdout } = await clipwright('inspect', model, '--json')
    const shown = JSON.parse(stdout)
    expect(shown.model.embed_dim).toBe(64)
    expect(shown.tensors.find((t: { name: string }) => t.name === 'visual.proj')).toMatchObject({
      dtype: 'F32',
      shape: [64, 64],
    })
    expect(shown.parameters).toBe(
      shown.tensors.reduce((n: number, t: { shape: number[] }) => n + t.shape.reduce((a, b) => a * b, 1), 0),
    )
  })

  it('inspect shows what the name of a model stands for', async () => {
    const { code, stdout } = await clipwright('inspect', 'ViT-B-32', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ name: 'ViT-B-32', parameters: 151277313, model: { embed_dim: 512 } })
    expect((await clipwright('inspect', 'ViT-B-32')).stdout).toContain('151.28 M parameters')
    const unknown = await clipwright('inspect', 'ViT-B-33')
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringMatching(/neither a folder nor a file.*ViT-B-32/) })
  })

  it('models lists what can be named, but not what is for tests', async () => {
    const { code, stdout } = await clipwright('models')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ViT-B-32 +151\.3 +224 +512$/m)
    expect(stdout).not.toContain('ViT-tiny-test')
    const models = JSON.parse((await clipwright('models', '--json')).stdout)
    expect(models.map((m: { name: string }) => m.name)).toEqual(listModels())
  })

  it('bench step runs on the best device unless told otherwise', async () => {
    const { device } = JSON.parse((await clipwright('doctor', '--json')).stdout)
    const step = ['bench', 'step', '--model', 'ViT-tiny-test', '--batch-size', '2', '--steps', '1', '--json']
    expect(JSON.parse((await clipwright(...step)).stdout).device).toBe(device)
    // What 'auto' means can be told by the environment; 'cpu' stays what it is.
    process.env.CLIPWRIGHT_BACKEND = 'cuda'
    try {
      expect((await clipwright(...step)).code).toBe(device === 'cpu' ? 1 : 0)
      expect(await clipwright(...step, '--device', 'cpu')).toMatchObject({ code: 0 })
    } finally {
      delete process.env.CLIPWRIGHT_BACKEND
    }
  })

  it('bench step calls wrong options by their flags', async () => {
    const tokens = await clipwright('bench', 'step', '--model', 'ViT-tiny-test', '--tokens', '100')
    expect(tokens).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--tokens: ViT-tiny-test takes 32 at most'),
    })
  })

  it.each(['bf16', 'fp16'])('bench step measures a whole step in %s', async (precision) => {
    const { code, stdout } = await clipwright(
      'bench',
      'step',
      '--model',
      'ViT-tiny-test',
      '--precision',
      precision,
      '--batch-size',
      '4',
      '--tokens',
      '6',
      '--steps',
      '2',
      '--json',
    )
    expect(code).toBe(0)
    const r = JSON.parse(stdout)
    expect(r.pairsPerSecond).toBeCloseTo(4000 / r.stepMs, 6)
    expect(r.gflops).toBeGreaterThan(0)
    expect(r.peakRssMiB).toBeGreaterThan(10)
    expect(r.shareOfOnednn).toBeCloseTo(r.gflops / r.onednnGflops, 9)
  })
})

describe('a file of weights from PyTorch', () => {
  let file: string
  beforeAll(async () => {
    file = join(folder, 'weights.pth')
    const { tensors } = await readSafetensors(join(model, 'open_clip_model.safetensors'))
    const [root, storages] = stateDict(tensors, 'module.')
    await writeFile(file, zip(archive(pickle(root), storages)))
  })

  it('can be inspected', async () => {
    const { code, stdout } = await clipwright('inspect', file, '--json')
    expect(code).toBe(0)
    const { tensors } = await readSafetensors(join(model, 'open_clip_model.safetensors'))
    const found = JSON.parse(stdout)
    expect(found).toMatchObject({ path: file, model: null, metadata: {} })
    const shapes = (list: { name: string; shape: number[] }[]) => list.map(({ name, shape }) => [name, shape])
    expect(shapes(found.tensors)).toEqual(shapes(Object.entries(tensors).map(([name, t]) => ({ name, ...t }))))
  })

  it('predicts what its folder does, once its model is named', async () => {
    const what = ['--image', join(folder, 'red.png'), '--text', 'red', '--text', 'blue', '--json', '--threads', '1']
    const nameless = await clipwright('predict', '--model', file, ...what)
    expect(nameless).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/--architecture.*ViT-tiny-test/),
    })
    const named = await clipwright('predict', '--model', file, '--architecture', 'ViT-tiny-test', ...what)
    const whole = await clipwright('predict', '--model', model, ...what)
    expect(named).toMatchObject({ code: 0, stdout: whole.stdout })
    expect(JSON.parse(named.stdout)[0].results.length).toBe(2)
  })
})

/** What several commands have in common: help, wrong usage, failures, bad weights and bad pictures. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  readSafetensors,
  type WritableTensor,
  writeSafetensors,
} from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import { clipwright, modelAndPictures } from './model-and-pictures.js'

const { folder, model } = modelAndPictures()

describe('clipwright', () => {
  it('explains itself, each command too, and ends with 0', async () => {
    const help = await clipwright('--help')
    expect(help.code).toBe(0)
    for (const command of ['train', 'eval', 'predict', 'encode', 'inspect', 'convert', 'bench']) {
      expect(help.stdout).toContain(command)
      const own = await clipwright(command, '--help')
      expect(own.code).toBe(0)
      expect(own.stdout).toContain('Usage: clipwright')
    }
  })

  it.each([
    [['nosuch'], "error: unknown command 'nosuch'\n(add --help for the options)\n"],
    [['trian'], "error: unknown command 'trian'\n(Did you mean train?)\n(add --help for the options)\n"],
    [['data', 'chekc'], "error: unknown command 'chekc'\n(Did you mean check?)\n(add --help for the options)\n"],
  ])('says that a command is none, with help or without: %s', async (words, stderr) => {
    expect(await clipwright(...words)).toMatchObject({ code: 2, stdout: '', stderr })
    const before = [...words.slice(0, -1), 'help', words.at(-1)!]
    for (const asked of [before, ['help', ...words]])
      expect(await clipwright(...asked)).toMatchObject({ code: 2, stdout: '', stderr })
  })

  // What train says of itself is held by its own tests.
  it.each([
    '',
    'eval',
    'predict',
    'classify',
    'probe',
    'encode',
    'inspect',
    'convert',
    'interpolate',
    'models',
    'bench',
    'bench step',
    'data',
    'data check',
    'plan',
    'doctor',
  ])('helps with examples that it takes, in 80 columns: %s', async (command) => {
    const helpOf = async (words: string[]) => (await clipwright(...words, '--help')).stdout
    const help = await helpOf(command.split(' ').filter((word) => word !== ''))
    for (const line of help.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
    expect(help).not.toMatch(/\b(captions|pairs|steps|tokens|ms|text) an? (picture|second|step|line|caption)\b/)
    const [, shown] = /\nExamples?:\n(.*)$/s.exec(help)!
    for (const example of shown!.replaceAll('\\\n', ' ').trim().split('\n')) {
      const [program, ...words] = example.trim().split(/\s+/)
      expect(program).toBe('clipwright')
      const own = await helpOf(words.slice(0, ['bench', 'data'].includes(words[0]!) ? 2 : 1))
      for (const flag of words.filter((word) => word.startsWith('--'))) expect(own).toContain(`  ${flag}`)
    }
  })

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
    const int8 = ['convert', model, join(folder, 'int8'), '--dtype', 'int8', '--check', 'val.json']
    expect(await clipwright(...int8, '--max-drop', '-1')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--max-drop: expected'),
    })
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
})

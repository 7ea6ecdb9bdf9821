/** From one layout to another without a model, against what loading and saving makes. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Clip, convert, type Layout, readSafetensors, writeSafetensors } from '../../lib/index.js'
import { readGolden } from '../clip/golden.js'
import { tiny } from '../clip/tiny.js'
import { rejection } from './weights.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-convert-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const WEIGHTS = { hf: 'model.safetensors', other: 'open_clip_model.safetensors' }
const weightsIn = (path: string, layout: Layout) => join(path, layout === 'hf' ? WEIGHTS.hf : WEIGHTS.other)

describe('convert', () => {
  it.each<[string, Layout]>([
    ['hf-clip', 'open_clip'],
    ['hf-clip', 'openai'],
    ['openclip-gelu', 'hf'],
    ['openclip-quickgelu', 'open_clip'],
    ['hf-chinese-clip', 'reference-cn'],
    ['openclip-xlm-roberta', 'open_clip'],
  ])('writes what loading and saving would, byte for byte: %s as %s', async (name, layout) => {
    const { path } = await readGolden(name)
    const [out, expected] = [join(folder, 'out'), join(folder, 'expected')]
    const done = await convert(path, out, { layout })
    await using clip = await Clip.load(path)
    await clip.save(expected, { layout })
    expect((await readdir(out)).sort()).toEqual((await readdir(expected)).sort())
    for (const file of await readdir(out)) {
      expect((await readFile(join(out, file))).equals(await readFile(join(expected, file))), file).toBe(true)
    }
    expect(done.to).toEqual({ path: out, layout, dtype: 'fp32' })
    expect(done.from.layout).toBe(name.startsWith('hf') ? 'hf' : 'open_clip')
    expect(done.parameters).toBe(clip.parameters().reduce((sum, p) => sum + p.shape.reduce((a, b) => a * b, 1), 0))
  })

  it('comes back from another layout with the names, shapes and values that there were', async () => {
    const { path } = await readGolden('hf-clip')
    await convert(path, join(folder, 'there'), { layout: 'open_clip' })
    await convert(join(folder, 'there'), join(folder, 'back'), { layout: 'hf' })
    const [back, original] = await Promise.all(
      [join(folder, 'back'), path].map((at) => readSafetensors(weightsIn(at, 'hf'))),
    )
    expect(back!.tensors).toEqual(original!.tensors)
  })

  it.each([
    ['bf16', 'BF16'],
    ['fp16', 'F16'],
  ] as const)('rounds to %s', async (dtype, stored) => {
    const { path } = await readGolden('hf-clip')
    const file = join(folder, 'm.safetensors')
    await convert(path, file, { dtype, layout: 'hf' })
    await using clip = await Clip.load(path)
    await clip.save(join(folder, 'expected.safetensors'), { dtype, layout: 'hf' })
    const { tensors } = await readSafetensors(file)
    expect(tensors['visual_projection.weight']!.dtype).toBe(stored)
    expect(tensors).toEqual((await readSafetensors(join(folder, 'expected.safetensors'))).tensors)
  })

  it('refuses what fp16 has no number for', async () => {
    await using clip = await tiny()
    const scale = clip.parameters().find(({ name }) => name === 'ln_final.bias')!
    await scale.write({ shape: [32], data: new Float32Array(32).fill(70_000) })
    await clip.save(join(folder, 'm'))
    const refused = convert(join(folder, 'm'), join(folder, 'out'), { dtype: 'fp16' })
    await expect(refused).rejects.toThrow(rejection('ERR_UNSUPPORTED', '"ln_final.bias" holds 70000'))
    expect(await readdir(folder)).toEqual(['m'])
    await convert(join(folder, 'm'), join(folder, 'out'), { dtype: 'bf16' })
  })

  it('takes a file that does not say what it is, with its model', async () => {
    await using clip = await tiny()
    const all = clip.parameters({ layout: 'hf' }).map(async (p) => [p.name, await p.read()] as const)
    const file = join(folder, 'bare.safetensors')
    await writeSafetensors(file, Object.fromEntries(await Promise.all(all)))
    await expect(convert(file, join(folder, 'm'))).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', 'does not say'))
    await convert(file, join(folder, 'm'), { model: clip.config })
    await using again = await Clip.load(join(folder, 'm'))
    expect(again.config).toEqual(clip.config)
  })

  it('leaves alone what is not its own, and what a model has no form in', async () => {
    const { path } = await readGolden('hf-clip')
    await cp(path, join(folder, 'in'), { recursive: true })
    await writeFile(join(folder, 'file'), 'x')
    const before = await readdir(join(folder, 'in'))
    const refused = (out: string, o: object) => expect(convert(path, join(folder, out), o)).rejects
    await refused('in', {}).toThrow(rejection('ERR_INVALID_ARGUMENT', 'is a folder without open_clip_config.json'))
    await refused('file', {}).toThrow(rejection('ERR_INVALID_ARGUMENT', 'is a file'))
    await refused('m.pt', {}).toThrow(rejection('ERR_UNSUPPORTED', 'convert: '))
    await refused('m', { layout: 'reference-cn' }).toThrow(rejection('ERR_UNSUPPORTED', 'its text tower is causal'))
    await refused('m', { layout: 'tensorflow' }).toThrow(rejection('ERR_INVALID_ARGUMENT', 'layout'))
    expect(await readdir(join(folder, 'in'))).toEqual(before)
    expect((await readdir(folder)).sort()).toEqual(['file', 'in'])
  })

  it('needs every weight', async () => {
    const { path } = await readGolden('hf-clip')
    await cp(path, join(folder, 'in'), { recursive: true })
    const { tensors } = await readSafetensors(join(path, WEIGHTS.hf))
    const { logit_scale: _, ...others } = tensors
    const plain = Object.entries(others).map(([name, { shape, data }]) => [name, { shape, data }])
    await writeSafetensors(join(folder, 'in', WEIGHTS.hf), Object.fromEntries(plain))
    const refused = convert(join(folder, 'in'), join(folder, 'out'))
    await expect(refused).rejects.toThrow(rejection('ERR_MISMATCH', '1 missing (logit_scale)'))
  })
})

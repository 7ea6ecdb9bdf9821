import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Clip, type ClipwrightError, type LoadReport, readSafetensors, writeSafetensors } from '../../lib/index.js'
import { TINY, tiny } from '../clip/tiny.js'
import { golden, rejection, weights } from './weights.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-misfit-'))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

describe('weights that do not fit', () => {
  const odd = async () => {
    await using clip = await tiny()
    const path = join(folder, 'm')
    await clip.save(path)
    const file = join(path, 'open_clip_model.safetensors')
    const { tensors, metadata } = await readSafetensors(file)
    const { 'ln_final.bias': _, logit_scale: __, ...rest } = tensors
    const changed = {
      ...rest,
      text_projection: { shape: [16, 32], data: new Float32Array(512).fill(5) },
      'visual.proj': { shape: [32, 16], data: new Int32Array(512) },
      'visual.extra': { shape: [1], data: Float32Array.of(1) },
    }
    const plain = Object.entries(changed).map(([name, { shape, data }]) => [name, { shape, data }])
    await writeSafetensors(file, Object.fromEntries(plain), { metadata })
    return { path, tensors }
  }

  it('are all named', async () => {
    const { path } = await odd()
    const failed = Clip.load(path)
    await expect(failed).rejects.toThrow(rejection('ERR_MISMATCH', '2 missing (ln_final.bias, logit_scale)'))
    await expect(failed).rejects.toThrow(rejection('ERR_MISMATCH', '1 unexpected (visual.extra)'))
    await expect(failed).rejects.toThrow(rejection('ERR_MISMATCH', 'text_projection is [16, 32], not [32, 16]'))
    await expect(failed).rejects.toThrow(rejection('ERR_MISMATCH', 'visual.proj is I32, not floats'))
  })

  it('are left out when strict is false, with a warning; the rest starts at random', async () => {
    const { path, tensors } = await odd()
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    await using clip = await Clip.load(path, { strict: false })
    const message = 'Not there, so at their initial values: 2 (ln_final.bias, logit_scale). '
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(message), {
      code: 'CLIPWRIGHT_PARTIAL_WEIGHTS',
    })
    const loaded = await weights(clip)
    expect(loaded['visual.conv1.weight']).toEqual(tensors['visual.conv1.weight']!.data)
    expect(loaded.logit_scale![0]).toBeCloseTo(Math.log(1 / 0.07), 6)
    expect(loaded.text_projection).not.toContain(5)
    expect(loaded.text_projection!.some((x) => x !== 0)).toBe(true)
  })

  it('are told of where somebody asks, and the rest is drawn by the seed', async () => {
    const { path } = await odd()
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const reports: LoadReport[] = []
    const onReport = (report: LoadReport) => void reports.push(report)
    await using one = await Clip.load(path, { strict: false, onReport, seed: 3 })
    await using two = await Clip.load(path, { strict: false, onReport, seed: 3 })
    await using other = await Clip.load(path, { strict: false, onReport, seed: 4 })
    expect(warn).not.toHaveBeenCalled()
    const { loaded, ...left } = reports[0]!
    expect(left).toEqual({
      path: join(path, 'open_clip_model.safetensors'),
      missing: ['ln_final.bias', 'logit_scale'],
      mismatched: ['visual.proj is I32, not floats', 'text_projection is [16, 32], not [32, 16]'],
      unexpected: ['visual.extra'],
    })
    expect([...loaded, 'ln_final.bias', 'logit_scale', 'text_projection', 'visual.proj'].sort()).toEqual(
      one
        .parameters()
        .map(({ name }) => name)
        .sort(),
    )
    const drawn = async (clip: Clip) => (await weights(clip)).text_projection
    expect(await drawn(one)).toEqual(await drawn(two))
    expect(await drawn(one)).not.toEqual(await drawn(other))
    await expect(Clip.load(path, { onReport: 'x' as never })).rejects.toThrow(
      rejection('ERR_INVALID_ARGUMENT', '"onReport": expected a function'),
    )
  })

  it.each([false, true])('are an error when none fits, not a random model, allowPartial: %s', async (allowPartial) => {
    await using clip = await tiny()
    const path = join(folder, 'm.safetensors')
    await clip.save(path)
    const { tensors } = await readSafetensors(path)
    const under = (prefix: string) =>
      Object.fromEntries(Object.entries(tensors).map(([name, { shape, data }]) => [prefix + name, { shape, data }]))
    const whole = await readSafetensors(path)
    await writeSafetensors(path, { ...under('inner.'), logit_scale: whole.tensors.logit_scale! })
    await expect(Clip.load(path, { model: TINY, strict: false, allowPartial })).rejects.toThrow(
      rejection(
        'ERR_MISMATCH',
        /holds no weight of this model's towers .*inner\..* and \d+ more\), so all of it would be random/,
      ),
    )
  })

  it('are an error when a tower that is there hardly fits, unless that is wanted', async () => {
    await using clip = await tiny()
    const path = join(folder, 'm.safetensors')
    await clip.save(path)
    const { tensors } = await readSafetensors(path)
    const only = (keep: (name: string) => boolean) =>
      writeSafetensors(
        path,
        Object.fromEntries(
          Object.entries(tensors).map(([name, { shape, data }]) => [
            keep(name) ? name : `${name}_other`,
            { shape, data },
          ]),
        ),
      )
    await only((name) => !name.startsWith('visual.') || name === 'visual.class_embedding')
    const load = (more: object) => Clip.load(path, { model: TINY, strict: false, onReport: () => {}, ...more })
    await expect(load({})).rejects.toThrow(
      rejection('ERR_MISMATCH', /fits only 0\.\d+ % of the image tower's parameters, .*allowPartial: true/),
    )
    await using wanted = await load({ allowPartial: true })
    expect((await weights(wanted))['ln_final.weight']).toEqual(tensors['ln_final.weight']!.data)
    await only((name) => name.startsWith('visual.'))
    await expect(load({})).rejects.toThrow(rejection('ERR_MISMATCH', "none of the text tower's parameters"))
    // A file of one tower alone has no other to be missed.
    const image = Object.entries(tensors).filter(([name]) => name.startsWith('visual.'))
    await writeSafetensors(path, Object.fromEntries(image.map(([name, { shape, data }]) => [name, { shape, data }])))
    await using alone = await load({})
    expect((await weights(alone))['visual.proj']).toEqual(tensors['visual.proj']!.data)
  })

  it('of another model are a few in the message, and all in the keys', async () => {
    const failed = Clip.load(golden('openclip-gelu'), { model: TINY })
    await expect(failed).rejects.toThrow(
      rejection(
        'ERR_MISMATCH',
        // One sentence, however many.
        /24 unexpected \(transformer\.resblocks\.1\.\S+, \S+( \S+)? and 2\d more\); \d+ of another shape or type \(.*not \[.*\] and \d+ more\); pass the model that .* fits\.$/,
      ),
    )
    const { keys = [], message } = (await failed.catch((error: unknown) => error)) as ClipwrightError
    for (const name of [
      'transformer.resblocks.1.ln_1.weight',
      'visual.transformer.resblocks.1.mlp.c_fc.bias',
      'visual.proj',
    ])
      expect(keys).toContain(name)
    expect(keys.filter((name) => message.includes(`${name},`) || message.includes(`${name} `)).length).toBe(5)
    expect(new Set(keys).size).toBe(keys.length)
  })
})

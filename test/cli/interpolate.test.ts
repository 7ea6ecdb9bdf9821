import { existsSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { clipwright, modelAndPictures } from './model-and-pictures.js'

const { folder, model } = modelAndPictures()
const other = join(folder, 'other')
const list = join(folder, 'val.json')

beforeAll(async () => {
  await using clip = await Clip.create('ViT-tiny-test', { seed: 9 })
  await clip.save(other)
})

describe('clipwright interpolate', () => {
  it('writes what lies between', async () => {
    const out = join(folder, 'between')
    const { code, stdout } = await clipwright('interpolate', model, other, '--alpha', '0.5', '--out', out, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ out, alpha: 0.5 })
    await using clip = await Clip.load(out)
    expect(clip.config.embed_dim).toBe(64)
  })

  it('measures several alphas on lists, draws them and keeps the best', async () => {
    const [out, plot] = [join(folder, 'best'), join(folder, 'sweep.png')]
    const args = ['--alpha', '0:1:0.5', '--val', list, '--val', list, '--out', out, '--plot', plot, '--threads', '1']
    const { code, stdout } = await clipwright('interpolate', model, other, ...args)
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /alpha +list 1 +list 2 +mean\n +0 .*\n *0\.5 .*\n +1 .*\nbest on average: alpha [\d.]+, written/,
    )
    expect(existsSync(join(out, 'open_clip_config.json'))).toBe(true)
    expect((await sharp(plot).metadata()).format).toBe('png')
  })

  it.each([
    [['--alpha', '2', '--out', 'x'], /--alpha.*0 to 1, or from:to:step/],
    [['--alpha', '0:1:0.5', '--out', 'x'], /--val with several alphas/],
    [['--alpha', '0.5'], /expected --out, or --val/],
  ])('refuses %j', async (args, message) => {
    const ended = await clipwright('interpolate', model, other, ...args)
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) })
  })
})

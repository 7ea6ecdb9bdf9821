import { describe, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { sessionOf } from '../../lib/clip/session.js'
import { InfoNCE } from '../../lib/loss/info-nce.js'
import { depthsOf } from '../../lib/optim/depths.js'
import { lock } from '../../lib/optim/lock.js'
import { makeOptimizer } from '../../lib/train/options/optimizer.js'
import { images, TINY, TINY_CHINESE, tokens } from '../clip/tiny.js'

const DEEP = {
  ...TINY,
  vision_cfg: { ...TINY.vision_cfg, layers: 3 },
  text_cfg: { ...TINY.text_cfg, layers: 2 },
} as typeof TINY

/** What stays free, blocks by their numbers alone. */
async function free(model: typeof TINY, locks: Parameters<typeof lock>[1]): Promise<string[]> {
  const clip = await Clip.create(model)
  lock(clip, locks)
  const names = clip.parameters().filter(({ trainable }) => trainable)
  const short = names.map(({ name }) => name.replace(/((?:resblocks|layer)\.\d+)\..*/, '$1'))
  await clip.dispose()
  return [...new Set(short)].sort()
}
const blocks = (prefix: string, ...numbers: number[]) => numbers.map((n) => `${prefix}transformer.resblocks.${n}`)
const TEXT = ['ln_final.bias', 'ln_final.weight', 'positional_embedding', 'text_projection', 'token_embedding.weight']
const text = [...TEXT, ...blocks('', 0, 1), 'logit_scale']
const LN_POST = ['visual.ln_post.bias', 'visual.ln_post.weight']

describe('locks leave the groups free that open_clip leaves', () => {
  test.each<[number, string[]]>([
    [0, []],
    [1, ['visual.proj']],
    [2, ['visual.proj', ...LN_POST, ...blocks('visual.', 2)]],
    [3, ['visual.proj', ...LN_POST, ...blocks('visual.', 1, 2)]],
    [4, ['visual.proj', ...LN_POST, ...blocks('visual.', 0, 1, 2)]],
  ])('of the image tower the last %i', async (unlocked, expected) => {
    expect(await free(DEEP, { image: unlocked })).toEqual([...text, ...expected].sort())
  })

  test('all groups, and more', async () => {
    const all = await free(DEEP, {})
    expect(await free(DEEP, { image: 5, text: 9 })).toEqual(all)
    expect(await free(DEEP, { image: 0, text: 0 })).toEqual(['logit_scale'])
  })

  test.each<[number, string[]]>([
    [0, []],
    [1, ['text_projection']],
    [2, ['text_projection', 'ln_final.bias', 'ln_final.weight', ...blocks('', 1)]],
  ])('of the text tower the last %i', async (unlocked, expected) => {
    const found = (await free(DEEP, { text: unlocked })).filter((name) => !name.startsWith('visual.'))
    expect(found).toEqual([...expected, 'logit_scale'].sort())
  })

  test("a BERT's projection is no part of the tower", async () => {
    const found = (await free(TINY_CHINESE, { text: 0 })).filter((name) => !name.startsWith('visual.'))
    expect(found).toHaveLength(2)
    expect(found).toContain('logit_scale')
    expect(found.some((name) => /proj/.test(name))).toBe(true)
  })
})

test('names of timm’s towers', () => {
  const names = [
    'visual.trunk.patch_embed.proj.weight',
    'visual.trunk.blocks.1.mlp.fc1.weight',
    'visual.trunk.norm.weight',
  ]
  expect(depthsOf([...names, 'visual.head.proj.weight', 'logit_scale', 'logit_bias'])).toEqual([
    { tower: 'image', layer: 0, blocks: 2, inLast: false, outside: false },
    { tower: 'image', layer: 2, blocks: 2, inLast: false, outside: false },
    { tower: 'image', layer: 3, blocks: 2, inLast: true, outside: false },
    { tower: 'image', layer: 3, blocks: 2, inLast: false, outside: true },
    undefined,
    undefined,
  ])
})

// timm 1.0.29: group_parameters(Eva(...), Eva.group_matcher()), of which open_clip leaves the last groups free.
test.each<[number, string[]]>([
  [0, []],
  [1, ['attn_pool', 'head']],
  [2, ['attn_pool', 'blocks.1', 'head', 'norm', 'norm_pre']],
  [3, ['attn_pool', 'blocks.0', 'blocks.1', 'head', 'norm', 'norm_pre']],
])('of Perception Encoder’s tower the last %i groups stay free', async (unlocked, expected) => {
  const pe = {
    timm_model_name: 'vit_pe_core_base_patch16_224',
    timm_pool: 'map',
    image_size: 16,
    patch_size: 8,
  } as const
  const vision_cfg = { ...pe, width: 16, layers: 2, head_width: 8 }
  const names = (await free({ ...TINY, custom_text: true, vision_cfg } as typeof TINY, { image: unlocked }))
    .filter((name) => name.startsWith('visual.trunk.'))
    .map((name) => /^(?:blocks\.\d+|[a-z_]+)/.exec(name.slice('visual.trunk.'.length))![0])
  expect([...new Set(names)].sort()).toEqual(expected)
})

test('layer decay: a plain step is as long as the rate of its layer says', async () => {
  const move = async (layerDecay: number) => {
    const clip = await Clip.create(DEEP, { threads: 1 })
    const optimizer = makeOptimizer(clip, {
      optimizer: 'sgd',
      lr: 0.1,
      momentum: 0,
      weightDecay: 0,
      decayAll: false,
      layerDecay,
    })
    const before = await Promise.all(clip.parameters().map((p) => p.read()))
    await clip.forwardBackward({ images: images(4), tokens: tokens(4) }, new InfoNCE())
    await optimizer.step()
    const moved = new Map<string, number>()
    for (const [i, parameter] of clip.parameters().entries()) {
      const { data } = await parameter.read()
      const k = data.reduce(
        (best, x, j) => (Math.abs(x - before[i]!.data[j]!) > Math.abs(data[best]! - before[i]!.data[best]!) ? j : best),
        0,
      )
      moved.set(parameter.name, data[k]! - before[i]!.data[k]!)
    }
    expect(sessionOf(clip, 'test').parameters.length).toBe(moved.size)
    await clip.dispose()
    return moved
  }
  const plain = await move(1)
  const decayed = await move(0.5)
  const share = (name: string) => decayed.get(name)! / plain.get(name)!
  for (const [name, expected] of [
    ['visual.proj', 1],
    ['visual.ln_post.weight', 1],
    ['visual.transformer.resblocks.2.mlp.c_fc.weight', 1 / 2],
    ['visual.transformer.resblocks.0.mlp.c_fc.weight', 1 / 8],
    ['visual.conv1.weight', 1 / 16],
    ['text_projection', 1],
    ['transformer.resblocks.1.ln_1.bias', 1 / 2],
    ['token_embedding.weight', 1 / 8],
    ['logit_scale', 1],
  ] as const)
    expect(share(name), name).toBeCloseTo(expected, 2)
})

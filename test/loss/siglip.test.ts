import { describe, expect, it } from 'vitest'
import { Clip, InfoNCE, modelConfig, SigLip } from '../../lib/index.js'
import { makeLoss } from '../../lib/loss/table.js'

const MODEL = 'ViT-tiny-test'

/** Pictures and captions that all differ, and features of length 1. */
async function batchOf(clip: Clip, n: number) {
  const side = clip.preprocess.size
  const images = {
    shape: [n, 3, side, side],
    data: Float32Array.from({ length: n * 3 * side * side }, (_, i) => Math.sin(i * i)),
  }
  const tokens = {
    shape: [n, 4] as [number, number],
    data: Int32Array.from({ length: n * 4 }, (_, i) => (i % 4 === 3 ? 49407 : (i * 7) % 99)),
  }
  const [a, b] = [await clip.encodeImages(images), await clip.encodeTexts(tokens)]
  return { batch: { images, tokens }, a: a.data, b: b.data, dim: a.shape[1]! }
}

/** -Σ ln σ(z · logit) / n in doubles. */
function expectedLoss(a: Float32Array, b: Float32Array, dim: number, scale: number, bias: number): number {
  const n = a.length / dim
  let sum = 0
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let dot = 0
      for (let k = 0; k < dim; k++) dot += a[i * dim + k]! * b[j * dim + k]!
      sum += Math.log1p(Math.exp((i === j ? -1 : 1) * (scale * dot + bias)))
    }
  }
  return sum / n
}

describe('SigLip', () => {
  it.each([
    ['with a bias', { initLogitBias: -4, initLogitScale: Math.log(10) }, 10, -4],
    ['without one', {}, 1 / 0.07, 0],
  ])('is the formula: a model %s', async (_, logits, scale, bias) => {
    await using clip = await Clip.create(MODEL, { device: 'cpu', ...logits })
    const { batch, a, b, dim } = await batchOf(clip, 5)
    const { loss } = await clip.forwardBackward(batch, new SigLip())
    expect(loss / expectedLoss(a, b, dim, scale, bias)).toBeCloseTo(1, 4)
  })

  it('gives the parameter logit_bias a gradient, which InfoNCE leaves at zero', async () => {
    await using clip = await Clip.create(MODEL, { device: 'cpu', initLogitBias: -4 })
    const bias = clip.parameters().find(({ name }) => name === 'logit_bias')!
    expect((await bias.read()).data[0]).toBe(-4)
    const { batch } = await batchOf(clip, 4)
    await clip.forwardBackward(batch, new InfoNCE())
    expect((await bias.readGrad()).data[0]).toBe(0)
    await clip.forwardBackward(batch, new SigLip())
    // One of four pairs is right, and σ(-4) is below that.
    expect((await bias.readGrad()).data[0]).toBeLessThan(-0.1)
  })

  it('is told apart in a configuration: no init_logit_bias, no parameter', async () => {
    await using plain = await Clip.create(MODEL, { device: 'cpu' })
    expect(plain.parameters().some(({ name }) => name === 'logit_bias')).toBe(false)
    await using clip = await Clip.create({ ...modelConfig(MODEL), init_logit_bias: -10 }, { device: 'cpu' })
    expect(clip.parameters().at(-1)!.name).toBe('logit_bias')
    expect(clip.config.init_logit_bias).toBe(-10)
  })

  it('knows what guessing costs: one of n pairs is right, and nothing else is known', () => {
    const entropy = (n: number) => n * (-(1 / n) * Math.log(1 / n) - (1 - 1 / n) * Math.log(1 - 1 / n))
    expect(new SigLip().guessing(64).value).toBeCloseTo(entropy(64), 12)
    expect(new SigLip().guessing(64).formula).toBe('ln 64 + 63 ln(64/63)')
    expect(new SigLip().guessing(1).value).toBe(0)
    expect(makeLoss({ loss: 'siglip', reduction: 'mean' })).toBeInstanceOf(SigLip)
  })
})

import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { prepareBatch } from '../../lib/clip/batch.js'
import { sessionOf } from '../../lib/clip/session.js'
import { AdamW, type Clip, InfoNCE, Sgd } from '../../lib/index.js'
import type { NativeSession } from '../../lib/native/session.js'
import { trainStep } from '../../lib/optim/train-step.js'
import { pixels, tiny, tokens } from '../clip/tiny.js'

const batch = () => ({ images: pixels(6), tokens: tokens(6) })
const loss = new InfoNCE()

async function weights(clip: Clip): Promise<Record<string, Float32Array>> {
  const all = clip.parameters().map(async (p) => [p.name, (await p.read()).data] as const)
  return Object.fromEntries(await Promise.all(all))
}

const rejection = (code: string, message: string | RegExp) =>
  expect.objectContaining({
    code,
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  })

describe('Sgd', () => {
  it.each([0, 0.9])("follows torch's rule with momentum %d and decay on matrices", async (momentum) => {
    await using clip = await tiny()
    const [lr, weightDecay] = [0.05, 0.1]
    const optimizer = new Sgd(clip, { lr, momentum, weightDecay })
    const expected = await weights(clip)
    const velocity: Record<string, Float32Array> = {}
    for (let step = 0; step < 3; step++) {
      await clip.forwardBackward(batch(), loss)
      for (const p of clip.parameters()) {
        const grad = (await p.readGrad()).data
        const decay = p.shape.length >= 2 ? weightDecay : 0
        const g = grad.map((x, i) => x + decay * expected[p.name]![i]!)
        velocity[p.name] = g.map((x, i) => x + momentum * (velocity[p.name]?.[i] ?? 0))
        expected[p.name] = expected[p.name]!.map((w, i) => w - lr * velocity[p.name]![i]!)
      }
      await optimizer.step()
    }
    for (const [name, values] of Object.entries(await weights(clip))) {
      values.forEach((x, i) => {
        expect(Math.abs(x - expected[name]![i]!), `${name}[${i}]`).toBeLessThan(1e-6)
      })
    }
  })
})

describe('AdamW', () => {
  it('decays matrices and nothing else, unless a group says otherwise', async () => {
    await using clip = await tiny()
    const optimizer = new AdamW(clip, {
      lr: 0.01,
      weightDecay: 0.5,
      groups: [
        { match: /^visual\.proj$/, weightDecay: 0 },
        { match: /ln_final/g, weightDecay: 1 },
        { match: /^token_embedding/, lr: 0.002 },
      ],
    })
    await clip.forwardBackward(batch(), loss)
    const before = await weights(clip)
    // Adam's first step is lr · g / (|g| + eps'): subtracting it leaves the decay.
    const gradients = new Map(
      await Promise.all(clip.parameters().map(async (p) => [p.name, (await p.readGrad()).data] as const)),
    )
    await optimizer.step()
    const after = await weights(clip)
    const decayOf = (name: string, lr: number) => {
      const i = before[name]!.findIndex((w, k) => Math.abs(w) > 0.01 && Math.abs(gradients.get(name)![k]!) > 1e-3)
      expect(i, name).toBeGreaterThanOrEqual(0)
      const update = lr * Math.sign(gradients.get(name)![i]!)
      return (before[name]![i]! - after[name]![i]! - update) / (lr * before[name]![i]!)
    }
    expect(decayOf('visual.conv1.weight', 0.01)).toBeCloseTo(0.5, 1)
    expect(decayOf('visual.positional_embedding', 0.01)).toBeCloseTo(0.5, 1)
    expect(decayOf('visual.proj', 0.01)).toBeCloseTo(0, 1)
    expect(decayOf('visual.ln_pre.weight', 0.01)).toBeCloseTo(0, 1)
    expect(decayOf('ln_final.weight', 0.01)).toBeCloseTo(1, 1)
    expect(decayOf('logit_scale', 0.01)).toBeCloseTo(0, 1)
    const moved = (name: string) => Math.max(...after[name]!.map((x, i) => Math.abs(x - before[name]![i]!)))
    expect(moved('token_embedding.weight')).toBeLessThan(0.0025)
    expect(moved('text_projection')).toBeGreaterThan(0.009)
  })

  it('takes the lr of a step in place of its own, groups in proportion', async () => {
    const moved = async (lr: number | undefined) => {
      await using clip = await tiny()
      const optimizer = new AdamW(clip, { lr: 0.01, weightDecay: 0, groups: [{ match: /^visual\./, lr: 0.02 }] })
      const before = await weights(clip)
      await clip.forwardBackward(batch(), loss)
      await optimizer.step(lr === undefined ? undefined : { lr })
      const after = await weights(clip)
      return ['text_projection', 'visual.proj'].map((name) =>
        Math.max(...after[name]!.map((x, i) => Math.abs(x - before[name]![i]!))),
      )
    }
    const [text, image] = await moved(undefined)
    expect(text).toBeCloseTo(0.01, 4)
    expect(image).toBeCloseTo(0.02, 4)
    const [smallText, smallImage] = await moved(0.001)
    expect(smallText).toBeCloseTo(0.001, 5)
    expect(smallImage).toBeCloseTo(0.002, 5)
  })

  it('reports the norm before clipping and steps on the clipped gradients', async () => {
    await using clip = await tiny()
    const optimizer = new Sgd(clip, { lr: 1 })
    await clip.forwardBackward(batch(), loss)
    const all = await Promise.all(clip.parameters().map((p) => p.readGrad()))
    const norm = Math.hypot(...all.map(({ data }) => Math.hypot(...data)))
    const before = await weights(clip)
    const { gradNorm, skipped } = await optimizer.step({ maxGradNorm: norm / 10 })
    expect(gradNorm / norm).toBeCloseTo(1, 4)
    expect(skipped).toBe(false)
    const after = await weights(clip)
    const distance = Math.hypot(
      ...Object.keys(after).map((name) => Math.hypot(...after[name]!.map((x, i) => x - before[name]![i]!))),
    )
    expect(distance / norm).toBeCloseTo(0.1, 3)
  })

  it('clears the gradients, which add up until then', async () => {
    await using clip = await tiny()
    const optimizer = new AdamW(clip, { lr: 0.01 })
    const proj = clip.parameters().find((p) => p.name === 'visual.proj')!
    await clip.forwardBackward(batch(), loss)
    const once = (await proj.readGrad()).data
    await clip.forwardBackward(batch(), loss)
    const twice = (await proj.readGrad()).data
    once.forEach((x, i) => {
      expect(twice[i]).toBeCloseTo(2 * x, 5)
    })
    await optimizer.step()
    expect((await proj.readGrad()).data.every((x) => x === 0)).toBe(true)
    await expect(optimizer.step()).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', 'forwardBackward'))
  })

  it('skips a step whose gradients are not finite, and says so', async () => {
    await using clip = await tiny()
    const optimizer = new AdamW(clip, { lr: 0.01 })
    const proj = clip.parameters().find((p) => p.name === 'visual.proj')!
    const value = await proj.read()
    await proj.write({ shape: value.shape, data: value.data.fill(1e38) })
    await clip.forwardBackward(batch(), loss)
    const before = await weights(clip)
    const { skipped } = await optimizer.step()
    expect(skipped).toBe(true)
    expect(await weights(clip)).toEqual(before)
    expect((await optimizer.state()).steps).toBe(0)
  })

  it('keeps logit_scale within [0, ln 100]', async () => {
    await using clip = await tiny()
    const optimizer = new AdamW(clip, { lr: 0 })
    const scale = clip.parameters().find((p) => p.name === 'logit_scale')!
    for (const [value, clamped] of [
      [7, Math.log(100)],
      [-1, 0],
    ] as const) {
      await scale.write({ shape: [], data: Float32Array.of(value) })
      const { logitScale } = await clip.forwardBackward(batch(), loss)
      expect(logitScale / Math.exp(value)).toBeCloseTo(1, 5)
      await optimizer.step()
      expect((await scale.read()).data[0]).toBeCloseTo(clamped, 6)
    }
  })

  it('leaves frozen parameters alone', async () => {
    await using clip = await tiny()
    const optimizer = new AdamW(clip, { lr: 0.01 })
    for (const p of clip.parameters()) p.trainable = !p.name.startsWith('visual.')
    expect(clip.parameters().filter((p) => !p.trainable).length).toBeGreaterThan(10)
    const before = await weights(clip)
    await clip.forwardBackward(batch(), loss)
    await optimizer.step()
    const after = await weights(clip)
    for (const name of Object.keys(after)) {
      if (name.startsWith('visual.')) expect(after[name], name).toEqual(before[name])
    }
    expect(after.text_projection).not.toEqual(before.text_projection)
    for (const p of clip.parameters()) p.trainable = true
    await clip.forwardBackward(batch(), loss)
    await optimizer.step()
    expect((await weights(clip))['visual.proj']).not.toEqual(before['visual.proj'])
  })

  it.each([
    ['option "lr"', {}],
    ['option "betas.1"', { lr: 1, betas: [0.9, 1] }],
    ['did you mean "weightDecay"', { lr: 1, weight_decay: 0 }],
    ['groups.0: /^vision/ matches no parameter', { lr: 1, groups: [{ match: /^vision/ }] }],
    ['groups.1: /proj/ matches no parameter that is left', { lr: 1, groups: [{ match: /./ }, { match: /proj/ }] }],
    ['"groups.0.match": expected a RegExp', { lr: 1, groups: [{ match: 'visual' }] }],
    ["has no ratio to the optimizer's lr of 0", { lr: 0, groups: [{ match: /proj/, lr: 1 }] }],
  ])('ERR_INVALID_ARGUMENT: %s', async (message, options) => {
    await using clip = await tiny()
    expect(() => new AdamW(clip, options as never)).toThrow(rejection('ERR_INVALID_ARGUMENT', message))
  })

  it('needs a model', () => {
    expect(() => new AdamW({} as Clip, { lr: 1 })).toThrow(rejection('ERR_INVALID_ARGUMENT', 'AdamW: expected a Clip'))
  })
})

describe('trainStep', () => {
  it.each([
    ['whole', {}],
    ['in micro-batches', { microBatch: 2 }],
  ])('gives the numbers of forwardBackward and step, bit for bit: %s', async (_, options) => {
    await using a = await tiny()
    await using b = await tiny()
    const [one, two] = [new AdamW(a, { lr: 0.01 }), new AdamW(b, { lr: 0.01 })]
    for (let i = 0; i < 3; i++) {
      const together = await trainStep(a, one, batch(), loss, { ...options, maxGradNorm: 1, lr: 0.005 })
      const first = await b.forwardBackward(batch(), loss, options)
      expect(together).toEqual({ ...first, ...(await two.step({ maxGradNorm: 1, lr: 0.005 })) })
    }
    expect(await weights(a)).toEqual(await weights(b))
  })

  it('holds the pictures that it reads where they lie until it has read them', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    await using clip = await tiny()
    const session = sessionOf(clip, 'test')
    const { preprocess, tokenizer } = clip
    const step = async (n: number) => {
      const pairs = { images: pixels(n), tokens: tokens(n) }
      const batch = await prepareBatch({ model: session.model, preprocess, tokenizer }, pairs, loss, {}, 'test')
      const forgotten = new WeakRef(pairs.images.data.buffer)
      const steps: ReturnType<NativeSession['step']>[] = []
      await session.call(async (native) => {
        steps.push(native.step(batch, 0, { lr: 0, maxGradNorm: 0 }))
      })
      return { forgotten, steps }
    }
    await new AdamW(clip, { lr: 0.01 }).state()
    // The second waits for the first, and nobody but the core has its pictures.
    const first = await step(4096)
    const { forgotten, steps } = await step(2048)
    await setImmediate()
    collectGarbage()
    expect(forgotten.deref()).toBeDefined()
    await Promise.all([...first.steps, ...steps])
    await setImmediate()
    collectGarbage()
    expect(forgotten.deref()).toBeUndefined()
  })

  it('wants the optimizer of the same model, and known options', async () => {
    await using a = await tiny()
    await using b = await tiny()
    const optimizer = new AdamW(b, { lr: 0.01 })
    await expect(trainStep(a, optimizer, batch(), loss)).rejects.toThrow(
      rejection('ERR_INVALID_ARGUMENT', 'another model'),
    )
    await expect(trainStep(b, optimizer, batch(), loss, { microbatch: 2 } as never)).rejects.toThrow(
      rejection('ERR_INVALID_ARGUMENT', 'did you mean "microBatch"'),
    )
  })
})

describe('state and restore', () => {
  it.each([
    ['AdamW', (clip: Clip) => new AdamW(clip, { lr: 0.01 }), ['m', 'v']],
    ['Sgd with momentum', (clip: Clip) => new Sgd(clip, { lr: 0.01, momentum: 0.9 }), ['m']],
    ['Sgd', (clip: Clip) => new Sgd(clip, { lr: 0.01 }), []],
  ] as const)('%s goes on bit for bit', async (_, make, moments) => {
    await using a = await tiny()
    const first = make(a)
    for (let i = 0; i < 2; i++) await trainStep(a, first, batch(), loss)
    const state = await first.state()
    expect(state.steps).toBe(2)
    expect(Object.keys(state.tensors).length).toBe(moments.length * a.parameters().length)
    for (const m of moments) expect(state.tensors[`${m}.visual.proj`]!.shape).toEqual([32, 16])

    await using b = await tiny({ seed: 1 })
    for (const p of a.parameters()) {
      await b
        .parameters()
        .find((q) => q.name === p.name)!
        .write(await p.read())
    }
    const second = make(b)
    const restored = second.restore(state)
    const kept = structuredClone(state)
    for (const { data } of Object.values(state.tensors)) data.fill(Number.NaN)
    await restored
    expect(await second.state()).toEqual(kept)
    for (let i = 0; i < 2; i++) {
      expect(await trainStep(b, second, batch(), loss)).toEqual(await trainStep(a, first, batch(), loss))
    }
    expect(await weights(b)).toEqual(await weights(a))
    expect(await second.state()).toEqual(await first.state())
  })

  it('names the moments that do not belong', async () => {
    await using clip = await tiny()
    const optimizer = new AdamW(clip, { lr: 0.01 })
    const { tensors } = await optimizer.state()
    const { 'm.logit_scale': scale, ...rest } = tensors
    await expect(optimizer.restore({ steps: 1, tensors: { ...rest, 'm.other': scale! } })).rejects.toThrow(
      rejection('ERR_MISMATCH', /missing m\.logit_scale; unexpected m\.other/),
    )
    await expect(optimizer.restore({ steps: -1, tensors })).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', 'steps'))
    const wrong = { ...tensors, 'v.visual.proj': { shape: [16, 32], data: new Float32Array(512) } }
    await expect(optimizer.restore({ steps: 1, tensors: wrong })).rejects.toThrow(
      rejection('ERR_INVALID_ARGUMENT', 'v.visual.proj.shape: expected shape [32, 16], got [16, 32]'),
    )
  })
})

describe('Parameter', () => {
  it('has open_clip names and shapes, and writes what it reads', async () => {
    await using clip = await tiny()
    const names = clip.parameters().map((p) => p.name)
    expect(names).toContain('visual.transformer.resblocks.0.attn.in_proj_weight')
    expect(names).toContain('token_embedding.weight')
    const conv = clip.parameters().find((p) => p.name === 'visual.conv1.weight')!
    expect(conv.shape).toEqual([32, 3, 8, 8])
    const data = Float32Array.from({ length: 32 * 192 }, (_, i) => i / 7)
    const written = conv.write({ shape: [32, 3, 8, 8], data })
    data.fill(0)
    await written
    expect((await conv.read()).data).toEqual(Float32Array.from({ length: 32 * 192 }, (_, i) => i / 7))
    expect(clip.parameters({ layout: 'openai' }).map((p) => p.name)).toEqual(names)
    expect(() => clip.parameters({ layout: 'reference-cn' })).toThrow(
      rejection('ERR_UNSUPPORTED', 'supported for it: open_clip, hf, openai'),
    )
    expect(() => clip.parameters({ layout: 'timm' as never })).toThrow(rejection('ERR_INVALID_ARGUMENT', '"layout"'))
  })

  it.each([
    ['expected shape [32, 16], got [16, 32]', { shape: [16, 32], data: new Float32Array(512) }],
    ['expected 512 values, got 3', { shape: [32, 16], data: new Float32Array(3) }],
    ['expected finite numbers, got NaN at index 0', { shape: [32, 16], data: new Float32Array(512).fill(Number.NaN) }],
    ['visual.proj.data: expected a Float32Array', { shape: [32, 16], data: new Float64Array(512) }],
    ['expected a Float32Array', undefined],
  ])('refuses: %s', async (message, tensor) => {
    await using clip = await tiny()
    const proj = clip.parameters().find((p) => p.name === 'visual.proj')!
    await expect(proj.write(tensor as never)).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', message))
  })
})

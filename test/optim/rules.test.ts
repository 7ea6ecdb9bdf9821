/** Every rule against its formula, written out, over some steps of a small model. */
import { describe, expect, it } from 'vitest'
import { Adam, AdamW, type Clip, InfoNCE, Lamb, Lion, type Optimizer, Sgd } from '../../lib/index.js'
import { pixels, tiny, tokens } from '../clip/tiny.js'

const LR = 0.01
const EPS = 1e-4
const [BETA1, BETA2] = [0.8, 0.95]
const DECAY = 0.1

/** One parameter: values, moments, its decay, and the step, counted from 1. */
type State = { w: number[]; m: number[]; v: number[]; decay: number; step: number }
type Rule = (g: number[], s: State) => number[]

const mean = (g: number[], s: State, beta: number) => s.m.map((m, i) => beta * m + (1 - beta) * g[i]!)

function adamUpdate(g: number[], s: State): number[] {
  s.m = mean(g, s, BETA1)
  s.v = s.v.map((v, i) => BETA2 * v + (1 - BETA2) * g[i]! ** 2)
  const [c1, c2] = [1 - BETA1 ** s.step, 1 - BETA2 ** s.step]
  return s.m.map((m, i) => m / c1 / (Math.sqrt(s.v[i]! / c2) + EPS))
}

const decayed = (u: number[], s: State) => u.map((x, i) => x + s.decay * s.w[i]!)
const minus = (w: number[], lr: number, u: number[]) => w.map((x, i) => x - lr * u[i]!)

const RULES: Record<string, Rule> = {
  adamw: (g, s) => minus(s.w, LR, decayed(adamUpdate(g, s), s)),
  adam: (g, s) => minus(s.w, LR, adamUpdate(decayed(g, s), s)),
  lion: (g, s) => {
    const u = decayed(mean(g, s, BETA1).map(Math.sign), s)
    s.m = mean(g, s, BETA2)
    return minus(s.w, LR, u)
  },
  lamb: (g, s) => {
    const u = decayed(adamUpdate(g, s), s)
    const [size, length] = [Math.hypot(...s.w), Math.hypot(...u)]
    return minus(s.w, size > 0 && length > 0 ? (LR * size) / length : LR, u)
  },
  sgd: (g, s) => {
    s.m = decayed(g, s).map((x, i) => x + 0.9 * s.m[i]!)
    return minus(s.w, LR, s.m)
  },
}

const common = { lr: LR, weightDecay: DECAY }
const betas: [number, number] = [BETA1, BETA2]
const MAKE: Record<string, (clip: Clip) => Optimizer> = {
  adamw: (clip) => new AdamW(clip, { ...common, betas, eps: EPS }),
  adam: (clip) => new Adam(clip, { ...common, betas, eps: EPS }),
  lion: (clip) => new Lion(clip, { ...common, betas }),
  lamb: (clip) => new Lamb(clip, { ...common, betas, eps: EPS }),
  sgd: (clip) => new Sgd(clip, { ...common, momentum: 0.9 }),
}

async function values(clip: Clip): Promise<Map<string, Float32Array>> {
  const all = clip.parameters().map(async (p) => [p.name, (await p.read()).data] as const)
  return new Map(await Promise.all(all))
}

describe.each(Object.keys(RULES))('%s', (name) => {
  it('follows its formula', async () => {
    await using clip = await tiny()
    const optimizer = MAKE[name]!(clip)
    const states = new Map<string, State>()
    const decays = new Map(clip.parameters().map((p) => [p.name, p.shape.length >= 2 ? DECAY : 0]))
    for (const [key, data] of await values(clip)) {
      const zeros = Array<number>(data.length).fill(0)
      states.set(key, { w: [...data], m: zeros, v: zeros, decay: decays.get(key)!, step: 0 })
    }
    for (let step = 1; step <= 4; step++) {
      await clip.forwardBackward({ images: pixels(6), tokens: tokens(6) }, new InfoNCE())
      for (const p of clip.parameters()) {
        const state = states.get(p.name)!
        state.step = step
        state.w = RULES[name]!([...(await p.readGrad()).data], state)
      }
      await optimizer.step()
      const after = await values(clip)
      for (const [key, state] of states) {
        const got = after.get(key)!
        const worst = got.reduce((most, x, i) => Math.max(most, Math.abs(x - state.w[i]!)), 0)
        // Lion moves by ±lr even where a gradient is nothing but rounding, so a sign may differ.
        const others = got.filter((x, i) => Math.abs(x - state.w[i]!) > 2e-5)
        if (name === 'lion') expect(others.length, `${key}, step ${step}`).toBeLessThanOrEqual(got.length / 500)
        else expect(worst, `${key}, step ${step}`).toBeLessThan(2e-5)
        // From what is there, so that differences do not add up.
        state.w = [...got]
      }
    }
  })
})

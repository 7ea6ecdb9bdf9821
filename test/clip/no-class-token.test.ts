/** Perception Encoder's largest tower, which has no class token, against open_clip: rows that are patches alone. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Clip } from '../../lib/index.js'
import { BACKENDS, useBackend } from './emulated-cuda.js'
import { expectGradients, expectRelative, maxDifference, readGolden } from './golden.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

describe.each(BACKENDS)('on %s', (backend) => {
  it("has open_clip's features, loss and every gradient", async () => {
    useBackend(backend)
    const golden = await readGolden('openclip-pe-no-class')
    await using clip = await Clip.load(golden.path, golden.options)
    expect(clip.parameters().some(({ name }) => name === 'visual.trunk.cls_token')).toBe(false)
    const { data } = await clip.encodeImages(golden.images)
    expect(maxDifference(data, golden.imageFeatures)).toBeLessThanOrEqual(2e-5)
    const { loss } = await clip.forwardBackward(golden, golden.objective, { microBatch: 4 })
    expectRelative(loss, golden.loss, 1e-5)
    const found = clip.parameters().map(async (p) => [p.name, (await p.readGrad()).data] as const)
    expectGradients(new Map(await Promise.all(found)), golden.gradients)
  })
})

import { describe, expect, it } from 'vitest'
import { listModels } from '../../lib/models/registry.js'
import { clipwright } from './model-and-pictures.js'

describe('clipwright', () => {
  it('models lists what can be named, but not what is for tests', async () => {
    const { code, stdout } = await clipwright('models')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ViT-B-32 +151\.3 +224 +512$/m)
    expect(stdout).toMatch(/^ViT-B-32\n(?: {2}.*\n)* {2}laion2b_s34b_b79k +laion\/CLIP-ViT-B-32-laion2B-s34B-b79K$/m)
    expect(stdout).not.toContain('ViT-tiny-test')
    const models = JSON.parse((await clipwright('models', '--json')).stdout)
    expect(models.map((m: { name: string }) => m.name)).toEqual(listModels())
    const { pretrained } = models.find((m: { name: string }) => m.name === 'ViT-B-32')
    const tag = { tag: 'laion2b_s34b_b79k', repository: 'laion/CLIP-ViT-B-32-laion2B-s34B-b79K' }
    expect(pretrained).toContainEqual(tag)
  })
})

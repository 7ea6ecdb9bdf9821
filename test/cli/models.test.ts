import { describe, expect, it } from 'vitest'
import { listModels } from '../../lib/models/registry.js'
import { clipwright } from './model-and-pictures.js'

describe('clipwright', () => {
  it('models lists what can be named, but not what is for tests', async () => {
    const { code, stdout } = await clipwright('models')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ViT-B-32 +151\.3 +224 +512$/m)
    expect(stdout).not.toContain('ViT-tiny-test')
    const models = JSON.parse((await clipwright('models', '--json')).stdout)
    expect(models.map((m: { name: string }) => m.name)).toEqual(listModels())
  })
})

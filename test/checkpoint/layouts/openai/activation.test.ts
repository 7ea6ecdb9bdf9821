import { describe, expect, it } from 'vitest'
import { activationNote } from '../../../../lib/checkpoint/layouts/openai/activation.js'

const archive = new Map(
  ['visual.proj', 'input_resolution', 'context_length', 'vocab_size'].map((name) => [name, undefined]),
)
const towers = (image: string, text: string) => ({ vision: { activation: image }, text: { activation: text } })

describe("OpenAI's own weights", () => {
  it("say what it means that the reference's model computes another function of them", () => {
    const note = activationNote(archive, towers('quick_gelu', 'gelu_tanh'), 'ViT-B-32.pt')
    expect(note).toMatch(/^ViT-B-32\.pt holds OpenAI's own weights.*text tower has gelu_tanh.*ViT-B-32-quickgelu\.$/)
    expect(activationNote(archive, towers('gelu', 'gelu'), 'a.pt')).toContain('image tower has gelu and its text tower')
  })

  it('say nothing where both towers are as OpenAI trained them, nor do weights of anybody else', () => {
    expect(activationNote(archive, towers('quick_gelu', 'quick_gelu'), 'a.pt')).toBeUndefined()
    const others = new Map([['visual.proj', undefined]])
    expect(activationNote(others, towers('quick_gelu', 'gelu_tanh'), 'a.pt')).toBeUndefined()
  })
})

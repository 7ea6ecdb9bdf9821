import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readCard } from '../../lib/checkpoint/card.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-card-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe("a model's card", () => {
  it.each([
    ['---\nlicense: mit\ntags:\n- vision\n---\n# CLIP', 'mit'],
    ['\uFEFF---\r\ntags: [a]\r\nlicense: "apache-2.0" # yes\r\n---\r\n', 'apache-2.0'],
    ['---\nlicense:\n- cc-by-4.0\n- mit\n---\n', 'cc-by-4.0'],
    ['---\nlicense: other\nlicense_name: apple-ascl\n---\n', 'apple-ascl'],
    ['---\nlicense: other\n---\n', 'other'],
    ['---\nlicense:\ntags: x\n---\n', 'bsd'],
    ['# CLIP\nlicense: mit\n', 'bsd'],
    ['---\nunlicense: mit\n---\nlicense: mit', 'bsd'],
  ])('names the licence: %j', async (card, license) => {
    await writeFile(join(folder, 'README.md'), card)
    await writeFile(join(folder, 'config.json'), '{"license": "bsd", "architectures": ["CLIPModel", 3]}')
    const weights = join(folder, 'model.safetensors')
    expect(await readCard(folder, weights)).toEqual({ architectures: ['CLIPModel'], license })
    // What lies beside a file that was named alone may be anybody's.
    await writeFile(weights, '')
    expect(await readCard(weights, weights)).toEqual({ architectures: [], license: null })
  })

  it('may be missing or no card', async () => {
    const weights = join(folder, 'model.safetensors')
    expect(await readCard(folder, weights)).toEqual({ architectures: [], license: null })
    await writeFile(join(folder, 'config.json'), '[')
    expect(await readCard(folder, weights)).toEqual({ architectures: [], license: null })
  })
})

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { resizingOf } from '../../lib/checkpoint/position-embeddings.js'
import { Clip, type LoadReport } from '../../lib/index.js'
import type { ModelConfig } from '../../lib/models/config.js'
import { TINY, tiny } from '../clip/tiny.js'

type Grid = { old: number; new: number; from: number[]; to: number[] }
const golden = fileURLToPath(new URL('../goldens/positions/grids.json', import.meta.url))
const grids: Grid[] = JSON.parse(await readFile(golden, 'utf8'))

const torch = JSON.parse(await readFile(new URL('../goldens/positions/torch.json', import.meta.url), 'utf8')) as {
  width: number
  patches: Grid[]
  tokens: Grid[]
}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-positions-'))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(folder, { recursive: true })
})

describe('position embeddings of another size are resized', () => {
  it.each(grids)('$old x $old to $new x $new patches as Pillow does it in floats', (grid) => {
    // Two channels, the second the first one times -2; the class token first.
    const of = (values: number[]) => Float32Array.from(values.flatMap((x) => [x, -2 * x]))
    const [from, to] = [grid.old ** 2 + 1, grid.new ** 2 + 1]
    const { resize, what } = resizingOf('visual.positional_embedding', [from, 2], [to, 2])!
    const resized = resize(Float32Array.of(7, 8, ...of(grid.from)))
    const expected = [7, 8, ...of(grid.to)]
    expect(resized.length).toBe(expected.length)
    for (const [i, x] of expected.entries()) expect(Math.abs(resized[i]! - x), `element ${i}`).toBeLessThan(2e-6)
    expect(what).toContain(`from ${grid.old} x ${grid.old} to ${grid.new} x ${grid.new} patches`)
  })

  it.each([
    ...torch.patches.map((grid) => ({ ...grid, of: 'visual.positional_embedding', rows: (n: number) => n * n + 1 })),
    ...torch.tokens.map((grid) => ({ ...grid, of: 'positional_embedding', rows: (n: number) => n })),
  ])('as open_clip does it by torch: $of from $old to $new', (grid) => {
    const shapes = [grid.old, grid.new].map((n) => [grid.rows(n), torch.width])
    const resized = resizingOf(grid.of, shapes[0]!, shapes[1]!)!.resize(Float32Array.from(grid.from))
    expect(resized.length).toBe(grid.to.length)
    for (const [i, x] of grid.to.entries()) expect(Math.abs(resized[i]! - x), `element ${i}`).toBeLessThan(2e-6)
  })

  it.each([
    [[0, 4], 4, [0, 1, 3, 4]],
    [[0, 1, 2, 3], 2, [0.5, 2.5]],
    [[5], 3, [5, 5, 5]],
    [[0, 3, 6], 4, [0, 1.875, 4.125, 6]],
  ])('of text %j to %i tokens as torch does it, linear', (from, to, expected) => {
    const { resize } = resizingOf('positional_embedding', [from.length, 1], [to, 1])!
    expect([...resize(Float32Array.from(from))]).toEqual(expected)
  })

  it.each([0, 1])("in timm's towers, with %i rows before the patches', in the same way", (before) => {
    const grid = torch.patches[0]!
    const { old, new: side, from, to } = grid
    const shape = (n: number) => [1, n * n + before, torch.width]
    const cut = (values: number[]) => values.slice((1 - before) * torch.width)
    const { resize } = resizingOf('visual.trunk.pos_embed', shape(old), shape(side))!
    const resized = resize(Float32Array.from(cut(from)))
    expect(resized.length).toBe(cut(to).length)
    for (const [i, x] of cut(to).entries()) expect(Math.abs(resized[i]! - x), `element ${i}`).toBeLessThan(2e-6)
  })

  it.each<[string, number[], number[]]>([
    ['of another width', [50, 3], [197, 4]],
    ['of no square of patches', [48, 4], [197, 4]],
    ['of the class token alone', [1, 4], [197, 4]],
    ['of another rank', [1, 50, 4], [197, 4]],
  ])('but not %s', (_, stored, shape) => {
    expect(resizingOf('visual.positional_embedding', stored, shape)).toBeUndefined()
  })

  it('nor other tables of as many rows', () => {
    expect(resizingOf('token_embedding.weight', [50, 4], [197, 4])).toBeUndefined()
    expect(resizingOf('transformer.embeddings.position_embeddings.weight', [50, 4], [197, 4])).toBeUndefined()
  })
})

describe('a model for another size of pictures and texts', () => {
  const larger: ModelConfig = {
    ...TINY,
    vision_cfg: { ...TINY.vision_cfg, image_size: 32 },
    text_cfg: { ...TINY.text_cfg, context_length: 12 },
  } as ModelConfig
  const RESIZED = [
    "the text tower's position embedding was resized from 8 to 12 tokens (linear)",
    "the image tower's position embedding was resized from 2 x 2 to 4 x 4 patches (bicubic)",
  ]

  it('loads, which is said once', async () => {
    await using clip = await tiny()
    await clip.save(join(folder, 'm'))
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    await using loaded = await Clip.load(join(folder, 'm'), { model: larger })
    const messages = warn.mock.calls.filter(
      ([, o]) => (o as { code?: string })?.code === 'CLIPWRIGHT_RESIZED_POSITIONS',
    )
    expect(messages.length).toBe(1)
    for (const sentence of RESIZED) expect(messages[0]![0]).toContain(sentence)
    const read = async (model: Clip, name: string) =>
      (
        await model
          .parameters()
          .find((p) => p.name === name)!
          .read()
      ).data
    const [old, now] = [await read(clip, 'positional_embedding'), await read(loaded, 'positional_embedding')]
    const { resize } = resizingOf('positional_embedding', [8, 32], [12, 32])!
    expect(now).toEqual(resize(old))
    expect(await read(loaded, 'visual.proj')).toEqual(await read(clip, 'visual.proj'))
  })

  it('loads loosely, too, and the report tells', async () => {
    await using clip = await tiny()
    await clip.save(join(folder, 'm'))
    const reports: LoadReport[] = []
    const onReport = (report: LoadReport) => void reports.push(report)
    await using _ = await Clip.load(join(folder, 'm'), { model: larger, strict: false, onReport })
    expect([...reports[0]!.resized!].sort()).toEqual([...RESIZED].sort())
    expect(reports[0]!.mismatched).toEqual([])
  })
})

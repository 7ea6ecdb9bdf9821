import { existsSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { inspectModel, readSafetensors, writeSafetensors } from '../../lib/index.js'
import { rejection, weights } from '../checkpoint/weights.js'
import { tiny } from '../clip/tiny.js'
import { type Files, hashOf } from './fake-hub.js'
import { CONFIG, hubKit, NAME, nobody, WEIGHTS } from './kit.js'

const kit = hubKit()
const { hub, warnings, place, blobs, load } = kit

describe('a model of a hub', () => {
  it('is loaded into the cache that Python has, and not asked for again', async () => {
    const commit = hub.add(NAME, { ...kit.model, 'README.md': 'long', 'open_clip_pytorch_model.bin': 'not fetched' })
    expect(await load()).toEqual(kit.values)
    expect(hub.fetched).toEqual([CONFIG, WEIGHTS])
    const sha256 = hashOf(kit.model[WEIGHTS] as Buffer, 'sha256')
    const git = hashOf(kit.model[CONFIG] as Buffer, 'git')
    expect(blobs().sort()).toEqual([git, sha256].sort())
    expect(readFileSync(join(place(), 'refs/main'), 'utf8')).toBe(commit)
    expect(readlinkSync(join(place(), 'snapshots', commit, WEIGHTS))).toBe(`../../blobs/${sha256}`)
    expect(await load()).toEqual(kit.values)
    expect(hub.fetched).toHaveLength(2)
    expect(hub.asked.every(({ headers }) => headers.authorization === undefined)).toBe(true)
    const inspected = await inspectModel(`hf-hub:${NAME}`)
    expect(inspected).toMatchObject({ model: { embed_dim: 16 } })
  })

  it('is found offline, and nothing is asked then', async () => {
    const at = rejection('ERR_NOT_FOUND', `owner/model at main is not in the cache (${kit.cacheDir})`)
    await expect(load(undefined, { offline: true })).rejects.toThrow(at)
    hub.add(NAME, kit.model)
    await load()
    hub.asked.length = 0
    vi.stubEnv('HF_HUB_OFFLINE', '1')
    expect(await load()).toEqual(kit.values)
    expect(hub.asked).toEqual([])
    rmSync(join(place(), 'snapshots', readFileSync(join(place(), 'refs/main'), 'utf8'), WEIGHTS))
    await expect(load()).rejects.toThrow(rejection('ERR_NOT_FOUND', 'holds no weights'))
    expect(await load(undefined, { offline: false })).toEqual(kit.values)
    expect(hub.fetched).toEqual([])
  })

  it('is taken from the cache with a warning where there is no network', async () => {
    hub.add(NAME, kit.model)
    await load()
    vi.stubEnv('HF_ENDPOINT', await nobody())
    expect(await load()).toEqual(kit.values)
    expect(warnings.at(-1)).toMatch(/cannot be reached.*commit [0-9a-f]{40} is taken from the cache/)
    const other = rejection('ERR_IO', 'HF_HUB_OFFLINE=1')
    await expect(load('hf-hub:owner/other')).rejects.toThrow(other)
    await expect(load('hf-hub:owner/other')).rejects.toThrow(kit.cacheDir)
  })

  it('follows a branch that moved; a commit stays what it is', async () => {
    const first = hub.add(NAME, kit.model)
    await load()
    const second = 'b'.repeat(40)
    await using other = await tiny({ seed: 9 })
    await other.save(join(kit.cacheDir, 'other'))
    const changed = { ...kit.model, [WEIGHTS]: await readFile(join(kit.cacheDir, 'other', WEIGHTS)) }
    Object.assign(hub.repositories[NAME]!.commits, { [second]: changed })
    hub.repositories[NAME]!.refs = { main: second, 'refs/pr/1': first }
    hub.asked.length = 0
    expect(await load()).toEqual(await weights(other))
    // The description did not change, so it lies there already.
    expect(hub.fetched).toEqual([WEIGHTS])
    expect(readFileSync(join(place(), 'refs/main'), 'utf8')).toBe(second)
    expect(await load(`hf-hub:${NAME}@${first}`)).toEqual(kit.values)
    expect(await load(`hf-hub:${NAME}@refs/pr/1`)).toEqual(kit.values)
    expect(readFileSync(join(place(), 'refs/refs/pr/1'), 'utf8')).toBe(first)
    expect(hub.fetched).toEqual([WEIGHTS])
  })

  it('may lie in several files, and its index names none elsewhere', async () => {
    const { [WEIGHTS]: whole, ...rest } = kit.model
    writeFileSync(join(kit.cacheDir, WEIGHTS), whole!)
    const { tensors } = await readSafetensors(join(kit.cacheDir, WEIGHTS))
    const names = Object.keys(tensors)
    const files: Files = { ...rest }
    const map: Record<string, string> = {}
    for (const [i, shard] of ['a.safetensors', 'b.safetensors'].entries()) {
      const mine = names.filter((_, j) => j % 2 === i)
      await writeSafetensors(join(kit.cacheDir, shard), Object.fromEntries(mine.map((name) => [name, tensors[name]!])))
      files[shard] = readFileSync(join(kit.cacheDir, shard))
      for (const name of mine) map[name] = shard
    }
    const index = `${WEIGHTS}.index.json`
    hub.add(NAME, { ...files, [index]: JSON.stringify({ weight_map: map }) })
    expect(await load()).toEqual(kit.values)
    expect(hub.fetched).toEqual([CONFIG, index, 'a.safetensors', 'b.safetensors'])
    hub.add('owner/bad', { ...files, [index]: JSON.stringify({ weight_map: { x: '../../../a.safetensors' } }) })
    await expect(load('hf-hub:owner/bad')).rejects.toThrow(rejection('ERR_FORMAT', 'not a file in the same folder'))
  })

  it('that cannot be built costs no weights', async () => {
    hub.add(NAME, { ...kit.model, [CONFIG]: JSON.stringify({ model_cfg: { embed_dim: 'wide' } }) })
    await expect(load()).rejects.toThrow(rejection('ERR_FORMAT', 'embed_dim'))
    expect(hub.fetched).toEqual([CONFIG])
  })

  it('that is none says so', async () => {
    hub.add(NAME, { 'README.md': 'nothing else' })
    await expect(load()).rejects.toThrow(rejection('ERR_NOT_FOUND', 'neither open_clip_config.json nor config.json'))
    expect(existsSync(place())).toBe(false)
  })
})

describe('names', () => {
  it.each([
    'hf-hub:model',
    'hf-hub:owner/../model',
    'hf-hub:../..',
    'hf-hub:owner/model/more',
    'hf-hub:owner/--model',
    'hf-hub:owner/model@',
    'hf-hub:owner/model@../../x',
    'hf-hub:owner/model@/etc',
    'hf-hub:owner/model@a//b',
    'hf-hub:owner/m\\odel',
  ])('%s is none', async (name) => {
    await expect(load(name)).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', 'hf-hub:'))
    expect(hub.asked).toEqual([])
  })

  it('that are almost right are offered', async () => {
    const near = rejection('ERR_NOT_FOUND', 'did you mean laion/CLIP-ViT-B-32-laion2B-s34B-b79K?')
    await expect(load('hf-hub:laion/CLIP-ViT-B-32-laion2B-s34B-b97K')).rejects.toThrow(near)
    hub.add(NAME, kit.model)
    await expect(load(`hf-hub:${NAME}@v2`)).rejects.toThrow(rejection('ERR_NOT_FOUND', 'has no revision "v2"'))
  })
})

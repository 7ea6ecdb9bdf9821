/** The cache, which Python shares. */
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hashOf } from './fake-hub.js'
import { CONFIG, hubKit, NAME, WEIGHTS } from './kit.js'

const kit = hubKit()
const { hub, place, load } = kit

describe('the cache', () => {
  it('of Python is taken as it is', async () => {
    const commit = hub.add(NAME, kit.model)
    mkdirSync(join(place(), 'blobs'), { recursive: true })
    mkdirSync(join(place(), 'snapshots', commit), { recursive: true })
    const blob = hashOf(kit.model[WEIGHTS] as Buffer, 'sha256')
    writeFileSync(join(place(), 'blobs', blob), kit.model[WEIGHTS]!)
    symlinkSync(`../../blobs/${blob}`, join(place(), 'snapshots', commit, WEIGHTS))
    expect(await load()).toEqual(kit.values)
    expect(hub.fetched).toEqual([CONFIG])
  })

  it('with a blob that was cut off gets it whole', async () => {
    hub.add(NAME, kit.model)
    await load()
    const blob = join(place(), 'blobs', hashOf(kit.model[WEIGHTS] as Buffer, 'sha256'))
    writeFileSync(blob, 'torn')
    expect(await load()).toEqual(kit.values)
    expect(hub.fetched).toEqual([CONFIG, WEIGHTS, WEIGHTS])
  })

  it('is filled once by several loads at a time', async () => {
    hub.add(NAME, kit.model)
    const all = await Promise.all([load(), load(), load()])
    expect(all).toEqual([kit.values, kit.values, kit.values])
    expect(hub.fetched.sort()).toEqual([CONFIG, WEIGHTS])
    expect(readdirSync(join(kit.cacheDir, '.locks/models--owner--model/clipwright'))).toEqual([])
  })
})

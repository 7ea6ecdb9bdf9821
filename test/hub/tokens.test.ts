/** Models that are not for everybody. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { rejection } from '../checkpoint/weights.js'
import { FakeHub, send } from './fake-hub.js'
import { hubKit, NAME, WEIGHTS } from './kit.js'

const kit = hubKit()
const { hub, blobs, load } = kit

describe('tokens', () => {
  it('are asked for where a model is gated, and sent when they are there', async () => {
    hub.add(NAME, kit.model, { gated: true })
    await expect(load()).rejects.toThrow(rejection('ERR_IO', 'is gated'))
    await expect(load()).rejects.toThrow(/accept its licence .*HF_TOKEN/)
    expect(blobs()).toEqual([])
    await expect(load(undefined, { token: 'hf_x' })).rejects.toThrow(/has no access yet/)
    vi.stubEnv('HF_TOKEN', ' accepted\n')
    expect(await load()).toEqual(kit.values)
  })

  it('are read where Python keeps them', async () => {
    hub.add(NAME, kit.model, { needs: 'mine' })
    await expect(load()).rejects.toThrow(rejection('ERR_NOT_FOUND', 'or it is private, and needs HF_TOKEN'))
    mkdirSync(join(kit.cacheDir, 'home'))
    writeFileSync(join(kit.cacheDir, 'home/token'), 'mine\n')
    expect(await load()).toEqual(kit.values)
    await expect(load('hf-hub:owner/none', { token: 'expired' })).rejects.toThrow(/does not accept the token/)
  })

  it('do not follow a redirect to another host', async () => {
    hub.add(NAME, kit.model)
    const seen: (string | undefined)[] = []
    const store = new FakeHub()
    store.mischief = (request, response) => {
      seen.push(request.headers.authorization)
      send(request, response, kit.model[WEIGHTS] as Buffer)
      return true
    }
    await store.start()
    try {
      hub.mischief = (request, response) => {
        if (!request.url!.endsWith(WEIGHTS)) return false
        response.writeHead(302, { location: `${store.url}/signed?x=1` }).end()
        return true
      }
      expect(await load(undefined, { token: 'hf_secret' })).toEqual(kit.values)
    } finally {
      await store.stop()
    }
    expect(seen).toEqual([undefined])
    expect(hub.asked.map(({ headers }) => headers.authorization)).toEqual(Array(4).fill('Bearer hf_secret'))
  })
})

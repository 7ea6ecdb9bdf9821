/** What goes wrong on the way: hubs that break off, lie, say nothing, or are none. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { rejection } from '../checkpoint/weights.js'
import { hashOf, send } from './fake-hub.js'
import { CONFIG, hubKit, NAME, WEIGHTS } from './kit.js'

const kit = hubKit()
const { hub, warnings, place, blobs, load } = kit

/** Breaks off after so many bytes of each answer for the weights, so often. */
const breakingOff = (after: number, times: number) => {
  let left = times
  hub.mischief = (request, response, bytes) => {
    if (!request.url!.endsWith(WEIGHTS) || left-- <= 0) return false
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': bytes!.length - from,
      ...(from > 0 && { 'content-range': `bytes ${from}-${bytes!.length - 1}/${bytes!.length}` }),
    })
    response.write(bytes!.subarray(from, from + after), () => setTimeout(() => response.destroy(), 100))
    return true
  }
}

describe('a hub that', () => {
  it('breaks off is gone on with', async () => {
    hub.add(NAME, kit.model)
    const size = (kit.model[WEIGHTS] as Buffer).length
    breakingOff(Math.ceil(size / 4), 2)
    expect(await load()).toEqual(kit.values)
    const ranges = hub.asked.filter(({ path }) => path.endsWith(WEIGHTS)).map(({ headers }) => headers.range)
    // What was on the way when a connection broke is lost.
    const begins = ranges.map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')![1]))
    expect(begins).toEqual([0, expect.any(Number), expect.any(Number)])
    expect(begins[1]).toBeGreaterThan(0)
    expect(begins[2]).toBeGreaterThan(begins[1]!)
    expect(begins[2]).toBeLessThanOrEqual(2 * Math.ceil(size / 4))
    expect(warnings.join()).toContain('trying again in 0.5 s')
  })

  it('is gone in the middle leaves what the next load goes on with', async () => {
    hub.add(NAME, kit.model)
    const half = Math.floor((kit.model[WEIGHTS] as Buffer).length / 2)
    breakingOff(half, 1)
    const first = hub.mischief!
    // The next one is refused for good, as by an owner who withdraws the model.
    hub.mischief = (request, response, bytes) => {
      if (first(request, response, bytes)) return true
      if (!request.url!.endsWith(WEIGHTS)) return false
      response.writeHead(410).end()
      return true
    }
    await expect(load()).rejects.toThrow(rejection('ERR_IO', 'answered 410'))
    expect(blobs().filter((name) => name.endsWith('.incomplete'))).toHaveLength(1)
    expect(existsSync(join(place(), 'refs'))).toBe(false)
    hub.mischief = undefined
    hub.asked.length = 0
    expect(await load()).toEqual(kit.values)
    const begin = Number(/^bytes=(\d+)-$/.exec(hub.asked.at(-1)!.headers.range!)![1])
    expect(begin).toBeGreaterThan(0)
    expect(begin).toBeLessThanOrEqual(half)
    expect(blobs().filter((name) => name.endsWith('.incomplete'))).toEqual([])
  })

  it('gives no parts is asked for the whole', async () => {
    hub.add(NAME, kit.model)
    breakingOff(1000, 1)
    const first = hub.mischief!
    hub.mischief = (request, response, bytes) => {
      delete request.headers.range
      return first(request, response, bytes)
    }
    expect(await load()).toEqual(kit.values)
  })

  it('says nothing is asked again', async () => {
    hub.add(NAME, kit.model)
    let silent = 1
    hub.mischief = (request) => request.url!.endsWith(WEIGHTS) && silent-- > 0
    expect(await load()).toEqual(kit.values)
    expect(warnings.join()).toContain('has said nothing for 0.3 s')
  })

  it('limits requests is waited for', async () => {
    hub.add(NAME, kit.model)
    let limited = 1
    hub.mischief = (_, response) => {
      if (limited-- <= 0) return false
      response.writeHead(429, { 'retry-after': '1' }).end()
      return true
    }
    const began = performance.now()
    expect(await load()).toEqual(kit.values)
    expect(performance.now() - began).toBeGreaterThan(950)
    expect(warnings.join()).toContain('limits how often it is asked, and wants a pause of 1 s; trying again in 1 s')
    hub.mischief = (_, response) => void response.writeHead(429, { 'retry-after': '3600' }).end() === undefined
    await expect(load('hf-hub:owner/other')).rejects.toThrow(rejection('ERR_IO', 'wants a pause of 3600 s'))
  })

  it.each([
    ['other bytes', (bytes: Buffer) => Buffer.from(bytes).fill(7, 100, 101), 'their hash differs'],
    ['more bytes', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(10)]), 'more than the'],
  ])('sends %s is not believed', async (_, lie, message) => {
    hub.add(NAME, kit.model)
    for (const file of [WEIGHTS, CONFIG]) {
      hub.mischief = (request, response, bytes) => {
        if (!request.url!.endsWith(file)) return false
        send(request, response, lie(bytes!))
        return true
      }
      await expect(load()).rejects.toThrow(rejection('ERR_FORMAT', message))
      const listed = hashOf(kit.model[file] as Buffer, file === WEIGHTS ? 'sha256' : 'git')
      expect(blobs().filter((name) => name.startsWith(listed))).toEqual([])
      await rm(place(), { recursive: true })
    }
    hub.mischief = undefined
    expect(await load()).toEqual(kit.values)
  })

  it('sends less is asked for the rest, and in the end not waited for', async () => {
    hub.add(NAME, kit.model)
    let times = 0
    hub.mischief = (request, response, bytes) => {
      if (!request.url!.endsWith(WEIGHTS)) return false
      times++
      if (times > 1) send(request, response, bytes!)
      else send(request, response, bytes!.subarray(0, 500))
      return true
    }
    expect(await load()).toEqual(kit.values)
    expect(warnings.join()).toMatch(/after 500 of \d+ bytes/)
  })

  it('had a part damaged here is asked for all of it', async () => {
    hub.add(NAME, kit.model)
    const blob = join(place(), 'blobs', hashOf(kit.model[WEIGHTS] as Buffer, 'sha256'))
    mkdirSync(join(place(), 'blobs'), { recursive: true })
    writeFileSync(`${blob}.clipwright.incomplete`, Buffer.alloc(1000, 1))
    expect(await load()).toEqual(kit.values)
    const ranges = hub.asked.filter(({ path }) => path.endsWith(WEIGHTS)).map(({ headers }) => headers.range)
    expect(ranges).toEqual(['bytes=1000-', undefined])
  })

  it('is none is told from one', async () => {
    hub.mischief = (_, response) => void response.writeHead(200).end('<html>welcome</html>') === undefined
    await expect(load()).rejects.toThrow(rejection('ERR_FORMAT', 'does not answer as a hub does'))
    hub.mischief = (request, response) => {
      const commit = request.url!.includes('/revision/') ? { sha: '../../../tmp' } : []
      response.end(JSON.stringify(commit))
      return true
    }
    await expect(load()).rejects.toThrow(rejection('ERR_FORMAT', 'does not answer as a hub does'))
    hub.mischief = (request, response) => {
      const oid = '../../../../tmp/x'
      const entry = { type: 'file', path: CONFIG, size: 1, oid }
      response.end(JSON.stringify(request.url!.includes('/revision/') ? { sha: 'a'.repeat(40) } : [entry]))
      return true
    }
    await expect(load()).rejects.toThrow(rejection('ERR_FORMAT', 'does not answer as a hub does'))
    vi.stubEnv('HF_ENDPOINT', 'huggingface.co')
    await expect(load()).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', 'HF_ENDPOINT'))
  })

  it('sends on in circles, or to a file, is left', async () => {
    hub.mischief = (request, response) => void response.writeHead(307, { location: request.url! }).end() === undefined
    await expect(load()).rejects.toThrow(rejection('ERR_IO', 'more than 10 times'))
    hub.mischief = (_, response) => void response.writeHead(307, { location: 'file:///etc/passwd' }).end() === undefined
    await expect(load()).rejects.toThrow(rejection('ERR_IO', 'which is not followed'))
  })
})

/** What a hub's models are for processes of their own: one cache, a kill, a full disk, the command line. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { answerOf, clipwright, program } from '../programs/program.js'
import { type Files, fakeHub, send } from './fake-hub.js'

const ADDRESS = 'hf-hub:owner/model'
const WEIGHTS = 'open_clip_model.safetensors'
/** Enough to be on the way for a while. */
const SLICES = 20

const hub = fakeHub()
const folder = mkdtempSync(join(tmpdir(), 'clipwright-hub-processes-'))
let model: Files
let cache: string
let count = 0

beforeAll(async () => {
  const saved = join(folder, 'model')
  await using clip = await Clip.create('ViT-tiny-test', { seed: 4 })
  await clip.save(saved)
  model = Object.fromEntries((await readdir(saved)).map((name) => [name, readFileSync(join(saved, name))]))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeEach(() => {
  cache = join(folder, `cache-${count++}`)
  mkdirSync(cache)
  vi.stubEnv('HF_ENDPOINT', hub.url)
  vi.stubEnv('HF_HUB_CACHE', cache)
  vi.stubEnv('HF_HOME', cache)
  vi.stubEnv('HF_TOKEN', '')
  vi.stubEnv('HF_HUB_OFFLINE', '')
})

const load = () => program('load.mjs', [ADDRESS])
const blobs = () => readdirSync(join(cache, 'models--owner--model/blobs'))
/** Sends the weights in slices, slowly. @param between is called before each */
const slowly = (between: (slice: number) => void = () => {}) => {
  hub.mischief = (request, response, bytes) => {
    if (!request.url!.endsWith(WEIGHTS) || request.headers.range) return false
    response.writeHead(200, { 'content-length': bytes!.length })
    const size = Math.ceil(bytes!.length / SLICES)
    let slice = 0
    const timer = setInterval(() => {
      between(slice)
      response.write(bytes!.subarray(slice * size, (slice + 1) * size))
      if (++slice < SLICES) return
      clearInterval(timer)
      response.end()
    }, 100)
    response.on('close', () => clearInterval(timer))
    return true
  }
}

describe('processes', () => {
  it('with one cache fetch a file once', async () => {
    hub.add('owner/model', model)
    slowly()
    const answers = await Promise.all([load(), load()].map((one) => answerOf<{ sum: number }>(one)))
    expect(answers[0]!.sum).not.toBeNaN()
    expect(answers[1]).toEqual(answers[0])
    expect(hub.fetched.sort()).toEqual(['open_clip_config.json', WEIGHTS])
  })

  it('that were killed leave what the next one goes on with', async () => {
    hub.add('owner/model', model)
    const first = load()
    await new Promise<void>((resolve) => slowly((slice) => slice === SLICES / 2 && resolve()))
    first.kill('SIGKILL')
    await first.ended
    expect(blobs().filter((name) => name.endsWith('.incomplete'))).toHaveLength(1)
    expect(await answerOf(load())).toHaveProperty('sum')
    expect(hub.asked.at(-1)!.headers.range).toMatch(/^bytes=[1-9]\d+-$/)
    expect(blobs().filter((name) => name.endsWith('.incomplete'))).toEqual([])
  })
})

describe('a disk', () => {
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'clipwright', disk]).status === 0
  afterAll(() => {
    if (mounted) spawnSync('umount', [disk])
  })
  const filler = join(disk, 'filler')
  const fill = (bytes: number) => writeFileSync(filler, Buffer.alloc(bytes))

  test.skipIf(!mounted)('that is too small is said to be before, and one that fills up keeps nothing', async () => {
    cache = disk
    vi.stubEnv('HF_HUB_CACHE', disk)
    hub.add('owner/model', model)
    const size = (model[WEIGHTS] as Buffer).length
    expect(size).toBeLessThan(16 << 20)
    const room = 20 << 20
    fill(room - Math.floor(size / 2))
    expect(await answerOf(load())).toMatchObject({
      code: 'ERR_IO',
      message: expect.stringContaining(`in the cache ${disk}`),
    })
    rmSync(filler)
    // There is room at first, and then somebody else takes it.
    slowly((slice) => {
      if (slice !== 5) return
      try {
        fill(room)
      } catch {
        // as it shall be
      }
    })
    const answer = await answerOf<{ message: string }>(load())
    expect(answer).toMatchObject({ code: 'ERR_IO', message: expect.stringContaining('the disk is full (ENOSPC)') })
    expect(blobs().filter((name) => name.includes('incomplete'))).toEqual([])
    rmSync(filler)
    hub.mischief = undefined
    expect(await answerOf(load())).toHaveProperty('sum')
  })
})

describe('clipwright', () => {
  it('takes models of a hub, keeps stdout for its result, and can do without the network', async () => {
    hub.add('owner/model', model)
    hub.mischief = (request, response, bytes) => {
      if (!request.url!.endsWith(WEIGHTS)) return false
      // Long enough for progress to be shown.
      setTimeout(() => send(request, response, bytes!), 2500)
      return true
    }
    writeFileSync(join(cache, 'texts.txt'), 'a cat\n')
    const encode = (...more: string[]) =>
      clipwright([
        'encode',
        '--model',
        ADDRESS,
        '--texts',
        join(cache, 'texts.txt'),
        '--out',
        join(cache, 'e.safetensors'),
        '--json',
        ...more,
      ]).ended
    const { code, stdout, stderr } = await encode()
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(JSON.parse(stdout)).toMatchObject({ count: 1 })
    expect(stderr).toMatch(/owner\/model open_clip_model\.safetensors {2}[\d.]+ of [\d.]+ MiB/)
    hub.asked.length = 0
    expect((await encode('--offline')).code).toBe(0)
    expect(hub.asked).toEqual([])
    const inspected = await clipwright(['inspect', ADDRESS, '--json']).ended
    expect(JSON.parse(inspected.stdout)).toMatchObject({ parameters: expect.any(Number) })
    const none = await clipwright(['inspect', 'hf-hub:owner/none', '--json']).ended
    expect(none).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('There is no model owner/none') })
  })
})

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Clip, inspectModel, readSafetensors, writeSafetensors } from '../../lib/index.js'
import { rejection, weights } from '../checkpoint/weights.js'
import { TINY, tiny } from '../clip/tiny.js'
import { FakeHub, type Files, fakeHub, hashOf, send } from './fake-hub.js'

const NAME = 'owner/model'
const WEIGHTS = 'open_clip_model.safetensors'
const CONFIG = 'open_clip_config.json'

const hub = fakeHub()
let model: Files
let values: Awaited<ReturnType<typeof weights>>
let cacheDir: string
const warnings: string[] = []

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'clipwright-hub-model-'))
  await using clip = await tiny({ seed: 3 })
  await clip.save(folder)
  values = await weights(clip)
  model = Object.fromEntries((await readdir(folder)).map((name) => [name, readFileSync(join(folder, name))]))
  rmSync(folder, { recursive: true })
})

const onWarning = ({ message }: Error) => void warnings.push(message)
beforeEach(() => {
  cacheDir = mkdtempSync(join(tmpdir(), 'clipwright-hub-'))
  vi.stubEnv('HF_ENDPOINT', hub.url)
  vi.stubEnv('HF_HUB_CACHE', cacheDir)
  vi.stubEnv('HF_HOME', join(cacheDir, 'home'))
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_HUB_OFFLINE']) vi.stubEnv(name, '')
  vi.stubEnv('HF_HUB_DOWNLOAD_TIMEOUT', '0.3')
  warnings.length = 0
  process.on('warning', onWarning)
})
afterEach(async () => {
  process.off('warning', onWarning)
  vi.unstubAllEnvs()
  await rm(cacheDir, { recursive: true, force: true })
})

/** An address where nothing listens. */
const nobody = async () => {
  const gone = new FakeHub()
  await gone.start()
  const { url } = gone
  await gone.stop()
  return url
}
const place = () => join(cacheDir, 'models--owner--model')
const blobs = () => (existsSync(join(place(), 'blobs')) ? readdirSync(join(place(), 'blobs')) : [])
const load = async (address = `hf-hub:${NAME}`, options = {}) => {
  await using clip = await Clip.load(address, options)
  return await weights(clip)
}
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

describe('a model of a hub', () => {
  it('comes with its tokenizer, or with that of the repository which it names', async () => {
    const golden = (name: string) => readFileSync(new URL(`../goldens/tokenizer-json/t5/${name}`, import.meta.url))
    const files = Object.fromEntries(['tokenizer.json', 'tokenizer_config.json'].map((name) => [name, golden(name)]))
    const folder = join(cacheDir, 'named')
    const text_cfg = { ...TINY.text_cfg, vocab_size: 800, hf_tokenizer_name: 'owner/tok' } as never
    await using clip = await Clip.create({ ...TINY, text_cfg }, { seed: 3 })
    await clip.save(folder)
    const named = Object.fromEntries([CONFIG, WEIGHTS].map((name) => [name, readFileSync(join(folder, name))]))
    hub.add(NAME, { ...named, ...files, 'special_tokens_map.json': '{}', 'spiece.model': 'not fetched' })
    await using own = await Clip.load(`hf-hub:${NAME}`)
    expect(own.tokenizer.encode('a dog')).not.toEqual([])
    expect([...hub.fetched].sort()).toEqual([CONFIG, WEIGHTS, ...Object.keys(files), 'special_tokens_map.json'].sort())
    hub.add('owner/bare', named)
    await using without = await Clip.load('hf-hub:owner/bare')
    expect(() => without.tokenizer.encode('a dog')).toThrow(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }))
    await new Promise(setImmediate)
    expect(warnings.at(-1)).toMatch(/The tokenizer "owner\/tok" is not there, so texts must be given as ids/)
    hub.add('owner/tok', files)
    await using other = await Clip.load('hf-hub:owner/bare')
    expect(other.tokenizer.encode('a dog')).toEqual(own.tokenizer.encode('a dog'))
  })

  it('is loaded into the cache that Python has, and not asked for again', async () => {
    const commit = hub.add(NAME, { ...model, 'README.md': 'long', 'open_clip_pytorch_model.bin': 'not fetched' })
    expect(await load()).toEqual(values)
    expect(hub.fetched).toEqual([CONFIG, WEIGHTS])
    const sha256 = hashOf(model[WEIGHTS] as Buffer, 'sha256')
    const git = hashOf(model[CONFIG] as Buffer, 'git')
    expect(blobs().sort()).toEqual([git, sha256].sort())
    expect(readFileSync(join(place(), 'refs/main'), 'utf8')).toBe(commit)
    expect(readlinkSync(join(place(), 'snapshots', commit, WEIGHTS))).toBe(`../../blobs/${sha256}`)
    expect(await load()).toEqual(values)
    expect(hub.fetched).toHaveLength(2)
    expect(hub.asked.every(({ headers }) => headers.authorization === undefined)).toBe(true)
    const inspected = await inspectModel(`hf-hub:${NAME}`)
    expect(inspected).toMatchObject({ model: { embed_dim: 16 } })
  })

  it('is found offline, and nothing is asked then', async () => {
    const at = rejection('ERR_NOT_FOUND', `owner/model at main is not in the cache (${cacheDir})`)
    await expect(load(undefined, { offline: true })).rejects.toThrow(at)
    hub.add(NAME, model)
    await load()
    hub.asked.length = 0
    vi.stubEnv('HF_HUB_OFFLINE', '1')
    expect(await load()).toEqual(values)
    expect(hub.asked).toEqual([])
    rmSync(join(place(), 'snapshots', readFileSync(join(place(), 'refs/main'), 'utf8'), WEIGHTS))
    await expect(load()).rejects.toThrow(rejection('ERR_NOT_FOUND', 'holds no weights'))
    expect(await load(undefined, { offline: false })).toEqual(values)
    expect(hub.fetched).toEqual([])
  })

  it('is taken from the cache with a warning where there is no network', async () => {
    hub.add(NAME, model)
    await load()
    vi.stubEnv('HF_ENDPOINT', await nobody())
    expect(await load()).toEqual(values)
    expect(warnings.at(-1)).toMatch(/cannot be reached.*commit [0-9a-f]{40} is taken from the cache/)
    const other = rejection('ERR_IO', 'HF_HUB_OFFLINE=1')
    await expect(load('hf-hub:owner/other')).rejects.toThrow(other)
    await expect(load('hf-hub:owner/other')).rejects.toThrow(cacheDir)
  })

  it('follows a branch that moved; a commit stays what it is', async () => {
    const first = hub.add(NAME, model)
    await load()
    const second = 'b'.repeat(40)
    await using other = await tiny({ seed: 9 })
    await other.save(join(cacheDir, 'other'))
    const changed = { ...model, [WEIGHTS]: await readFile(join(cacheDir, 'other', WEIGHTS)) }
    Object.assign(hub.repositories[NAME]!.commits, { [second]: changed })
    hub.repositories[NAME]!.refs = { main: second, 'refs/pr/1': first }
    hub.asked.length = 0
    expect(await load()).toEqual(await weights(other))
    // The description did not change, so it lies there already.
    expect(hub.fetched).toEqual([WEIGHTS])
    expect(readFileSync(join(place(), 'refs/main'), 'utf8')).toBe(second)
    expect(await load(`hf-hub:${NAME}@${first}`)).toEqual(values)
    expect(await load(`hf-hub:${NAME}@refs/pr/1`)).toEqual(values)
    expect(readFileSync(join(place(), 'refs/refs/pr/1'), 'utf8')).toBe(first)
    expect(hub.fetched).toEqual([WEIGHTS])
  })

  it('may lie in several files, and its index names none elsewhere', async () => {
    const { [WEIGHTS]: whole, ...rest } = model
    writeFileSync(join(cacheDir, WEIGHTS), whole!)
    const { tensors } = await readSafetensors(join(cacheDir, WEIGHTS))
    const names = Object.keys(tensors)
    const files: Files = { ...rest }
    const map: Record<string, string> = {}
    for (const [i, shard] of ['a.safetensors', 'b.safetensors'].entries()) {
      const mine = names.filter((_, j) => j % 2 === i)
      await writeSafetensors(join(cacheDir, shard), Object.fromEntries(mine.map((name) => [name, tensors[name]!])))
      files[shard] = readFileSync(join(cacheDir, shard))
      for (const name of mine) map[name] = shard
    }
    const index = `${WEIGHTS}.index.json`
    hub.add(NAME, { ...files, [index]: JSON.stringify({ weight_map: map }) })
    expect(await load()).toEqual(values)
    expect(hub.fetched).toEqual([CONFIG, index, 'a.safetensors', 'b.safetensors'])
    hub.add('owner/bad', { ...files, [index]: JSON.stringify({ weight_map: { x: '../../../a.safetensors' } }) })
    await expect(load('hf-hub:owner/bad')).rejects.toThrow(rejection('ERR_FORMAT', 'not a file in the same folder'))
  })

  it('that cannot be built costs no weights', async () => {
    hub.add(NAME, { ...model, [CONFIG]: JSON.stringify({ model_cfg: { embed_dim: 'wide' } }) })
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
    hub.add(NAME, model)
    await expect(load(`hf-hub:${NAME}@v2`)).rejects.toThrow(rejection('ERR_NOT_FOUND', 'has no revision "v2"'))
  })
})

describe('tokens', () => {
  it('are asked for where a model is gated, and sent when they are there', async () => {
    hub.add(NAME, model, { gated: true })
    await expect(load()).rejects.toThrow(rejection('ERR_IO', 'is gated'))
    await expect(load()).rejects.toThrow(/accept its licence .*HF_TOKEN/)
    expect(blobs()).toEqual([])
    await expect(load(undefined, { token: 'hf_x' })).rejects.toThrow(/has no access yet/)
    vi.stubEnv('HF_TOKEN', ' accepted\n')
    expect(await load()).toEqual(values)
  })

  it('are read where Python keeps them', async () => {
    hub.add(NAME, model, { needs: 'mine' })
    await expect(load()).rejects.toThrow(rejection('ERR_NOT_FOUND', 'or it is private, and needs HF_TOKEN'))
    mkdirSync(join(cacheDir, 'home'))
    writeFileSync(join(cacheDir, 'home/token'), 'mine\n')
    expect(await load()).toEqual(values)
    await expect(load('hf-hub:owner/none', { token: 'expired' })).rejects.toThrow(/does not accept the token/)
  })

  it('do not follow a redirect to another host', async () => {
    hub.add(NAME, model)
    const seen: (string | undefined)[] = []
    const store = new FakeHub()
    store.mischief = (request, response) => {
      seen.push(request.headers.authorization)
      send(request, response, model[WEIGHTS] as Buffer)
      return true
    }
    await store.start()
    try {
      hub.mischief = (request, response) => {
        if (!request.url!.endsWith(WEIGHTS)) return false
        response.writeHead(302, { location: `${store.url}/signed?x=1` }).end()
        return true
      }
      expect(await load(undefined, { token: 'hf_secret' })).toEqual(values)
    } finally {
      await store.stop()
    }
    expect(seen).toEqual([undefined])
    expect(hub.asked.map(({ headers }) => headers.authorization)).toEqual(Array(4).fill('Bearer hf_secret'))
  })
})

describe('a hub that', () => {
  it('breaks off is gone on with', async () => {
    hub.add(NAME, model)
    const size = (model[WEIGHTS] as Buffer).length
    breakingOff(Math.ceil(size / 4), 2)
    expect(await load()).toEqual(values)
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
    hub.add(NAME, model)
    const half = Math.floor((model[WEIGHTS] as Buffer).length / 2)
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
    expect(await load()).toEqual(values)
    const begin = Number(/^bytes=(\d+)-$/.exec(hub.asked.at(-1)!.headers.range!)![1])
    expect(begin).toBeGreaterThan(0)
    expect(begin).toBeLessThanOrEqual(half)
    expect(blobs().filter((name) => name.endsWith('.incomplete'))).toEqual([])
  })

  it('gives no parts is asked for the whole', async () => {
    hub.add(NAME, model)
    breakingOff(1000, 1)
    const first = hub.mischief!
    hub.mischief = (request, response, bytes) => {
      delete request.headers.range
      return first(request, response, bytes)
    }
    expect(await load()).toEqual(values)
  })

  it('says nothing is asked again', async () => {
    hub.add(NAME, model)
    let silent = 1
    hub.mischief = (request) => request.url!.endsWith(WEIGHTS) && silent-- > 0
    expect(await load()).toEqual(values)
    expect(warnings.join()).toContain('has said nothing for 0.3 s')
  })

  it('limits requests is waited for', async () => {
    hub.add(NAME, model)
    let limited = 1
    hub.mischief = (_, response) => {
      if (limited-- <= 0) return false
      response.writeHead(429, { 'retry-after': '1' }).end()
      return true
    }
    const began = performance.now()
    expect(await load()).toEqual(values)
    expect(performance.now() - began).toBeGreaterThan(950)
    expect(warnings.join()).toContain('limits how often it is asked, and wants a pause of 1 s; trying again in 1 s')
    hub.mischief = (_, response) => void response.writeHead(429, { 'retry-after': '3600' }).end() === undefined
    await expect(load('hf-hub:owner/other')).rejects.toThrow(rejection('ERR_IO', 'wants a pause of 3600 s'))
  })

  it.each([
    ['other bytes', (bytes: Buffer) => Buffer.from(bytes).fill(7, 100, 101), 'their hash differs'],
    ['more bytes', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(10)]), 'more than the'],
  ])('sends %s is not believed', async (_, lie, message) => {
    hub.add(NAME, model)
    for (const file of [WEIGHTS, CONFIG]) {
      hub.mischief = (request, response, bytes) => {
        if (!request.url!.endsWith(file)) return false
        send(request, response, lie(bytes!))
        return true
      }
      await expect(load()).rejects.toThrow(rejection('ERR_FORMAT', message))
      const listed = hashOf(model[file] as Buffer, file === WEIGHTS ? 'sha256' : 'git')
      expect(blobs().filter((name) => name.startsWith(listed))).toEqual([])
      await rm(place(), { recursive: true })
    }
    hub.mischief = undefined
    expect(await load()).toEqual(values)
  })

  it('sends less is asked for the rest, and in the end not waited for', async () => {
    hub.add(NAME, model)
    let times = 0
    hub.mischief = (request, response, bytes) => {
      if (!request.url!.endsWith(WEIGHTS)) return false
      times++
      if (times > 1) send(request, response, bytes!)
      else send(request, response, bytes!.subarray(0, 500))
      return true
    }
    expect(await load()).toEqual(values)
    expect(warnings.join()).toMatch(/after 500 of \d+ bytes/)
  })

  it('had a part damaged here is asked for all of it', async () => {
    hub.add(NAME, model)
    const blob = join(place(), 'blobs', hashOf(model[WEIGHTS] as Buffer, 'sha256'))
    mkdirSync(join(place(), 'blobs'), { recursive: true })
    writeFileSync(`${blob}.clipwright.incomplete`, Buffer.alloc(1000, 1))
    expect(await load()).toEqual(values)
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

describe('the cache', () => {
  it('of Python is taken as it is', async () => {
    const commit = hub.add(NAME, model)
    mkdirSync(join(place(), 'blobs'), { recursive: true })
    mkdirSync(join(place(), 'snapshots', commit), { recursive: true })
    const blob = hashOf(model[WEIGHTS] as Buffer, 'sha256')
    writeFileSync(join(place(), 'blobs', blob), model[WEIGHTS]!)
    symlinkSync(`../../blobs/${blob}`, join(place(), 'snapshots', commit, WEIGHTS))
    expect(await load()).toEqual(values)
    expect(hub.fetched).toEqual([CONFIG])
  })

  it('with a blob that was cut off gets it whole', async () => {
    hub.add(NAME, model)
    await load()
    const blob = join(place(), 'blobs', hashOf(model[WEIGHTS] as Buffer, 'sha256'))
    writeFileSync(blob, 'torn')
    expect(await load()).toEqual(values)
    expect(hub.fetched).toEqual([CONFIG, WEIGHTS, WEIGHTS])
  })

  it('is filled once by several loads at a time', async () => {
    hub.add(NAME, model)
    const all = await Promise.all([load(), load(), load()])
    expect(all).toEqual([values, values, values])
    expect(hub.fetched.sort()).toEqual([CONFIG, WEIGHTS])
    expect(readdirSync(join(cacheDir, '.locks/models--owner--model/clipwright'))).toEqual([])
  })
})

/** What the tests of hubs begin with: a fake hub, a model to put on it, and a cache of their own. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, vi } from 'vitest'
import { Clip } from '../../lib/index.js'
import { weights } from '../checkpoint/weights.js'
import { tiny } from '../clip/tiny.js'
import { FakeHub, type Files, fakeHub } from './fake-hub.js'

export const NAME = 'owner/model'
export const WEIGHTS = 'open_clip_model.safetensors'
export const CONFIG = 'open_clip_config.json'

/** Made anew for each test, but for the model. */
export type HubKit = {
  readonly hub: FakeHub
  /** The files of the model, and its weights. */
  readonly model: Files
  readonly values: Awaited<ReturnType<typeof weights>>
  readonly cacheDir: string
  readonly warnings: string[]
  /** The model's folder in the cache. */
  place(): string
  blobs(): string[]
  /** The weights of what lies at an address. */
  load(address?: string, options?: object): Promise<Awaited<ReturnType<typeof weights>>>
}

export function hubKit(): HubKit {
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

  const place = () => join(cacheDir, 'models--owner--model')
  return {
    hub,
    get model() {
      return model
    },
    get values() {
      return values
    },
    get cacheDir() {
      return cacheDir
    },
    warnings,
    place,
    blobs: () => (existsSync(join(place(), 'blobs')) ? readdirSync(join(place(), 'blobs')) : []),
    async load(address = `hf-hub:${NAME}`, options = {}) {
      await using clip = await Clip.load(address, options)
      return await weights(clip)
    },
  }
}

/** An address where nothing listens. */
export async function nobody(): Promise<string> {
  const gone = new FakeHub()
  await gone.start()
  const { url } = gone
  await gone.stop()
  return url
}

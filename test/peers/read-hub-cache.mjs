// Loads from the cache what write_hub_cache.py downloaded. Run: node test/peers/read-hub-cache.mjs FOLDER
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Clip } from 'clipwright'
import { serve } from './hub-server.mjs'

const cacheDir = join(process.argv[2], 'cache')
const golden = fileURLToPath(new URL('../goldens/openclip-gelu', import.meta.url))

const weightOf = async (clip) => {
  const { data } = await clip
    .parameters()
    .find(({ name }) => name === 'visual.proj')
    .read()
  await clip.dispose()
  return data
}

test('what huggingface_hub downloaded is loaded offline', async () => {
  const cached = await Clip.load('hf-hub:owner/model', { device: 'cpu', offline: true, cacheDir })
  assert.deepEqual(await weightOf(cached), await weightOf(await Clip.load(golden, { device: 'cpu' })))
})

test('and not fetched again with a network', async () => {
  const { url, close } = await serve(golden)
  process.env.HF_ENDPOINT = url
  const { fetch } = globalThis
  const asked = []
  globalThis.fetch = (address, init) => {
    asked.push(String(address))
    return fetch(address, init)
  }
  await (await Clip.load('hf-hub:owner/model', { device: 'cpu', cacheDir })).dispose()
  close()
  assert.deepEqual(
    asked.filter((address) => address.includes('/resolve/')),
    [],
  )
  assert.equal(asked.length, 2)
})

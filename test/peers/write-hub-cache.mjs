// Downloads a model from a hub into a cache: hub_cache_test.py finds it there. Run: node test/peers/write-hub-cache.mjs FOLDER
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Clip } from 'clipwright'
import { serve } from './hub-server.mjs'

const folder = process.argv[2]
const model = join(folder, 'model')
mkdirSync(model, { recursive: true })
const clip = await Clip.create('ViT-tiny-test', { device: 'cpu', seed: 5 })
await clip.save(model)
await clip.dispose()
const { url, close } = await serve(model)
process.env.HF_ENDPOINT = url
const loaded = await Clip.load('hf-hub:owner/model', { device: 'cpu', cacheDir: join(folder, 'cache') })
await loaded.dispose()
close()

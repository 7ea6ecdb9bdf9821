// The library inside a context of its own, as Jest runs it: classes of Node's files, buffers and errors are not the
// context's. Trains, saves, loads and fails there. Told: the entry of the library, a list, an empty folder.
// Run with --experimental-vm-modules.

import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createContext, SourceTextModule, SyntheticModule } from 'node:vm'

const [entry, data, folder] = process.argv.slice(2)
const context = createContext({
  ...Object.fromEntries(
    [
      'console',
      'process',
      'Buffer',
      'performance',
      'queueMicrotask',
      'setTimeout',
      'setInterval',
      'clearInterval',
      'clearTimeout',
      'setImmediate',
    ].map((name) => [name, globalThis[name]]),
  ),
  ...{ URL, AbortController, AbortSignal, TextDecoder, TextEncoder, structuredClone },
})

const modules = new Map()
/** Modules of the library live in the context; packages and Node's own stay outside, as natives do under Jest. */
async function load(specifier, from) {
  const url = specifier.startsWith('.') || specifier.startsWith('file:') ? new URL(specifier, from).href : specifier
  if (!modules.has(url)) modules.set(url, url.startsWith('file:') ? inside(url) : outside(specifier))
  return modules.get(url)
}
function inside(url) {
  return new SourceTextModule(readFileSync(fileURLToPath(url), 'utf8'), {
    identifier: url,
    context,
    initializeImportMeta: (meta) => Object.assign(meta, { url }),
    importModuleDynamically: (specifier) => linked(specifier, url),
  })
}
async function outside(specifier) {
  const found = await import(isBuiltin(specifier) ? specifier : import.meta.resolve(specifier))
  const names = Object.keys(found)
  return new SyntheticModule(
    names,
    function () {
      for (const name of names) this.setExport(name, found[name])
    },
    { context },
  )
}
async function linked(specifier, from) {
  const module = await load(specifier, from)
  if (module.status === 'unlinked') await module.link((inner, parent) => load(inner, parent.identifier))
  if (module.status === 'linked') await module.evaluate()
  return module
}

const { namespace } = await linked(pathToFileURL(entry).href, import.meta.url)
const { Clip, train, AdamW, InfoNCE, retrievalMetrics, writeSafetensors, readSafetensors } = namespace
const told = {}
const codeOf = (work) =>
  work().then(
    () => 'nothing',
    (error) => error.code ?? String(error),
  )

const run = train({
  data,
  val: data,
  model: 'ViT-tiny-test',
  out: join(folder, 'run'),
  epochs: 1,
  batchSize: 8,
  device: 'cpu',
})
told.steps = (await run.result).steps
const clip = await Clip.load(join(folder, 'run/checkpoints/last'), { device: 'cpu' })
// Arrays and expressions of the outer realm.
const features = await clip.encodeImages({ shape: [2, 32, 32, 3], data: new Uint8Array(2 * 32 * 32 * 3) })
told.features = features.shape
const optimizer = new AdamW(clip, { lr: 1e-3, groups: [{ match: /logit_scale/, weightDecay: 0 }] })
await clip.forwardBackward(
  { images: { shape: [2, 3, 32, 32], data: new Float32Array(2 * 3 * 32 * 32) }, tokens: ['a', 'b'] },
  new InfoNCE(),
)
told.skipped = (await optimizer.step()).skipped
await clip.save(join(folder, 'saved'))
await (await Clip.load(pathToFileURL(join(folder, 'saved')).pathname, { device: 'cpu' })).dispose()
told.recall = retrievalMetrics({ shape: [1, 1], data: new Float32Array(1) }, new Int32Array(1)).txt_r1
await writeSafetensors(join(folder, 'a.safetensors'), { a: { shape: [2], data: new Float32Array([1, 2]) } })
told.stored = [...(await readSafetensors(join(folder, 'a.safetensors'))).tensors.a.data]
// Errors of Node's are the outer realm's.
told.missing = await codeOf(() => Clip.load(join(folder, 'nothing')))
told.picture = await codeOf(() => clip.encodeImages([join(folder, 'nothing.png')]))
told.unwritable = await codeOf(() => clip.save(join(folder, 'a.safetensors/below')))
const reason = new Error('enough')
told.aborted = await clip.encodeImages([], { signal: AbortSignal.abort(reason) }).then(
  () => false,
  (error) => error === reason,
)
await clip.dispose()
console.log(JSON.stringify(told))

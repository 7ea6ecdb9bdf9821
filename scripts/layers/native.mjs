// Which layer of native/ may include which: the order of the folders is the order of the dependencies.
import { dirname, join } from 'node:path'

/**
 * A folder under native/ and the folders that it may include besides itself, of those that stand before it. The longest
 * matching prefix decides.
 */
export const nativeLayers = {
  core: [],
  dist: ['core'],
  ops: ['core', 'dist'],
  'ops/check': ['core', 'dist', 'ops'],
  'ops/reference': ['core', 'ops'],
  'ops/cpu/kernels': ['core', 'ops'],
  'ops/cpu': ['core', 'ops', 'ops/cpu/kernels'],
  'ops/cuda/emulation': ['core'],
  'ops/cuda/cublaslt': ['core', 'ops/cuda/emulation'],
  'ops/cuda/nccl': ['core', 'ops/cuda/emulation'],
  'ops/cuda': ['core', 'dist', 'ops', 'ops/cuda/emulation', 'ops/cuda/cublaslt', 'ops/cuda/nccl'],
  'ops/cuda/device': ['core', 'ops', 'ops/cuda'],
  'ops/cuda/kernels': ['core', 'ops', 'ops/cuda', 'ops/cuda/device'],
  nn: ['core', 'ops'],
  model: ['core', 'ops', 'nn'],
  loss: ['core', 'dist', 'ops'],
  optim: ['core', 'ops', 'nn'],
  image: ['core'],
  eval: ['core'],
  engine: ['core', 'dist', 'ops', 'ops/reference', 'ops/cpu', 'ops/cuda', 'nn', 'model', 'loss', 'optim', 'eval'],
  addon: ['core', 'dist', 'model', 'optim', 'image', 'eval', 'engine'],
  bench: ['core', 'ops', 'ops/cuda', 'model', 'loss', 'optim', 'engine'],
}

// Suites may look into every layer but the addon, which only Node can load. What they share lies in test/ itself.
const openToTests = Object.keys(nativeLayers).filter((layer) => layer !== 'addon' && layer !== 'bench')
const testLayers = { test: openToTests, 'test/conformance': openToTests.concat('test'), 'test/sanitize': [] }
const layers = { ...nativeLayers, ...testLayers }

/**
 * Sentences about includes that point back, of `sources`: path relative to native/ → text.
 * Only quoted includes are ours; napi.h is the addon's alone, however it is spelled.
 */
export function nativeViolations(sources) {
  const violations = []
  for (const [file, text] of Object.entries(sources)) {
    const layer = layerOf(file)
    for (const [, open, included] of text.matchAll(/^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]/gm)) {
      if (/^(napi|node_api|js_native_api)\b/.test(included) && layer !== 'addon') {
        violations.push(`native/${file} includes ${included}: only native/addon may know Node.`)
      }
      if (open === '<') continue
      const target = [join(dirname(file), included), included].find((path) => path in sources)
      if (!target) continue
      const targetLayer = layerOf(target)
      const allowed = layers[layer]
      if (!allowed) violations.push(`native/${file} lies in no known layer: add it to scripts/layers/native.mjs.`)
      else if (targetLayer !== layer && !allowed.includes(targetLayer)) {
        const list = allowed.join(', ') || 'nothing'
        violations.push(`native/${file} includes ${target}: ${layer} may use ${list}, not ${targetLayer}.`)
      }
    }
  }
  return violations
}

function layerOf(file) {
  const folders = dirname(file).split('/')
  for (let depth = folders.length; depth > 0; depth--) {
    const folder = folders.slice(0, depth).join('/')
    if (folder in layers) return folder
  }
  return folders[0]
}

// Which layer of native/ may include which: the order of the folders is the order of the dependencies.
import { dirname, join } from 'node:path'

/** A folder under native/ and the folders that it may include besides itself. The longest matching prefix decides. */
export const nativeLayers = {
  core: [],
  ops: ['core'],
  'ops/reference': ['core', 'ops'],
  'ops/cpu': ['core', 'ops'],
  'ops/cuda': ['core', 'ops'],
  nn: ['core', 'ops'],
  model: ['core', 'ops', 'nn'],
  loss: ['core', 'ops'],
  optim: ['core', 'ops', 'nn'],
  dist: ['core'],
  image: ['core'],
  eval: ['core'],
  engine: ['core', 'ops', 'ops/reference', 'ops/cpu', 'ops/cuda', 'nn', 'model', 'loss', 'optim', 'eval', 'dist'],
  addon: ['core', 'ops', 'engine', 'image', 'eval'],
  bench: ['core', 'ops', 'loss'],
}

// Suites may look into every layer but the addon, which only Node can load.
const openToTests = Object.keys(nativeLayers).filter((layer) => layer !== 'addon')

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
      const allowed = layer === 'test' ? openToTests.concat('test') : nativeLayers[layer]
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
    if (folder in nativeLayers || folder === 'test') return folder
  }
  return folders[0]
}

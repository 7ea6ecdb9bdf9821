// Which part of lib/ may import which: a folder or root file imports from its own row or an earlier one, without cycles.
import { dirname, join } from 'node:path'

export const libLayers = [
  ['errors', 'types', 'nearest', 'options', 'arrays', 'json', 'regular-file', 'text-file', 'random', 'device-name'],
  ['native'],
  ['tokenizer', 'image', 'checkpoint', 'models', 'eval'],
  ['data'],
  ['*'], // root files that are not named here: the model and what is trained with it (clip, losses, optimizers)
  ['report', 'train'],
  ['search'],
  ['cli', 'serve'],
  ['index'],
]

/** Sentences about imports that point back, go round, or touch the addon, of `sources`: path relative to lib/ → text. */
export function libViolations(sources) {
  const violations = []
  const imports = Object.fromEntries(Object.keys(sources).map((file) => [file, importsOf(file, sources)]))
  for (const [file, text] of Object.entries(sources)) {
    if (file !== 'native.ts' && /node-gyp-build|\.node['"]|\bprocess\.dlopen\b/.test(text)) {
      violations.push(`lib/${file} loads an addon: only lib/native.ts may.`)
    }
    const row = rowOf(file)
    if (row < 0) violations.push(`lib/${file} lies in no known part: add its folder to scripts/layers/lib.mjs.`)
    for (const target of imports[file]) {
      if (row >= 0 && rowOf(target) > row) {
        violations.push(
          `lib/${file} imports lib/${target}, which stands above it: see the order in scripts/layers/lib.mjs.`,
        )
      }
    }
  }
  const cycle = cycleIn(imports)
  if (cycle) violations.push(`lib/${cycle.join(' imports lib/')}: a cycle.`)
  return violations
}

function rowOf(file) {
  const [part] = file.split('/')
  const name = part.replace(/\.ts$/, '')
  const row = libLayers.findIndex((names) => names.includes(name))
  return row < 0 && !file.includes('/') ? libLayers.findIndex((names) => names.includes('*')) : row
}

// Types count: a type that is needed below belongs below.
function importsOf(file, sources) {
  const specifiers = [...sources[file].matchAll(/(?:\bfrom|\bimport|\bimport\()\s*['"](\.[^'"]+)['"]/g)]
  return specifiers
    .map(([, specifier]) => join(dirname(file), specifier).replace(/\.js$/, '.ts'))
    .filter((target) => target in sources)
}

function cycleIn(imports) {
  const done = new Set()
  const visit = (file, path) => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return undefined
    for (const target of imports[file]) {
      const cycle = visit(target, [...path, file])
      if (cycle) return cycle
    }
    done.add(file)
    return undefined
  }
  for (const file of Object.keys(imports)) {
    const cycle = visit(file, [])
    if (cycle) return cycle
  }
  return undefined
}

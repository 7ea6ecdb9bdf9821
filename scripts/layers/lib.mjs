// Which folder of lib/ may import which: one of its own files, or one of a folder that stands before it, without cycles.
import { dirname, join } from 'node:path'

/** From the lowest to the highest. Each stands alone in its row, so that every pair of folders has one direction. */
export const libLayers = [
  'base',
  'files',
  'native',
  'ranks',
  'tokenizer',
  'image',
  'models',
  'hub',
  'checkpoint',
  'export',
  'loss',
  'clip',
  'optim',
  'data',
  'eval',
  // Drawing knows nothing of runs: training hands it what it shows.
  'report',
  'train',
  'bench',
  'search',
  'serve',
  'cli',
  // The root holds the table of contents alone.
  'index.ts',
]

/** Sentences about imports that point back, go round, or touch the addon, of `sources`: path relative to lib/ → text. */
export function libViolations(sources) {
  const violations = []
  const imports = Object.fromEntries(Object.keys(sources).map((file) => [file, importsOf(file, sources)]))
  for (const [file, text] of Object.entries(sources)) {
    if (file !== 'native/addon.ts' && /node-gyp-build|\.node['"]|\bprocess\.dlopen\b/.test(text)) {
      violations.push(`lib/${file} loads an addon: only lib/native/addon.ts may.`)
    }
    const row = rowOf(file)
    if (row < 0) violations.push(`lib/${file} lies in no known folder: add it to scripts/layers/lib.mjs.`)
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
  return libLayers.indexOf(file.split('/')[0])
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

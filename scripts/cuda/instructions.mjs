// What `cuobjdump -sass` says of kernels, held against the bounds of instructions in native/ops/cuda/registers.json.
import { kernelName } from './kernels.mjs'

/**
 * `Map(symbol → { kernel, instructions, loop, tensor })`. `instructions`: all of a kernel's but the padding. `loop`: of its
 * longest loop before the end of its main path; what the compiler put behind that end is run seldom, and a jump from there
 * back into a loop is none of its own; 0 without a loop. `tensor`: those of the loop that multiply on tensor cores.
 */
export function parseSass(text) {
  const listings = new Map()
  let listing
  for (const line of text.split('\n')) {
    const [, symbol] = /^\s*Function : (\S+)/.exec(line) ?? []
    if (symbol) {
      listing = []
      listings.set(symbol, listing)
    }
    const [, address, code] = /^\s+\/\*([0-9a-f]{4,})\*\/\s+([^;]+?)\s*;/.exec(line) ?? []
    if (address && listing) listing.push({ address: Number.parseInt(address, 16), code })
  }
  return new Map([...listings].map(([symbol, lines]) => [symbol, { kernel: kernelName(symbol), ...counts(lines) }]))
}

function counts(lines) {
  const real = lines.filter(({ code }) => code !== 'NOP')
  const exit = real.findIndex(({ code }) => code === 'EXIT')
  const loop = real
    .slice(0, exit < 0 ? undefined : exit)
    .map(({ address, code }) => {
      const [, target] = /^(?:@!?\w+ )?BRA\b.*?0x([0-9a-f]+)$/.exec(code) ?? []
      const from = Number.parseInt(target, 16)
      return from < address ? real.filter((line) => line.address >= from && line.address <= address) : []
    })
    .reduce((longest, body) => (body.length > longest.length ? body : longest), [])
  return {
    instructions: real.length,
    loop: loop.length,
    tensor: loop.filter(({ code }) => /\b[A-Z]+MMA\./.test(code)).length,
  }
}

const ROW = ['kernel', 'template', 'what', 'instructions', 'loop', 'tensor', 'why']

/**
 * Sentences about instances that are missing, beyond their bound or with fewer products in their loop than they had, and about
 * rows that are not whole. `rows`: `[{ kernel, template, what, instructions, loop, tensor, why }]`; `template`: with what the
 * symbol goes on after the kernel's name, its template arguments.
 */
export function instructionViolations(listings, rows, arch) {
  return rows.flatMap((row) => {
    const missing = ROW.filter((key) => row[key] === undefined || row[key] === '')
    const what = `${row.kernel} (${row.what}) on ${arch}`
    if (missing.length > 0) return [`${what} has a row of instructions without ${missing.join(', ')}`]
    const found = instanceOf(listings, row)
    if (!found) return [`${what} has a row of instructions, but the library has no such instance: ${row.template}`]
    const more = (key, unit) => (found[key] > row[key] ? [`${what}: ${found[key]} ${unit}, ${row[key]} allowed`] : [])
    const fewer =
      found.tensor < row.tensor
        ? [`${what}: ${found.tensor} products of tensor cores in its loop, at least ${row.tensor} expected`]
        : []
    return [...more('instructions', 'instructions'), ...more('loop', 'instructions in its loop'), ...fewer]
  })
}

/** Whether a symbol is the instance of a kernel that a row of the table is about. */
export function isInstance(symbol, { kernel, template }) {
  return symbol.includes(`${kernel.length}${kernel}${template}E`)
}

/** What was found of a row's instance, or undefined. */
export function instanceOf(listings, row) {
  return [...listings].find(([symbol]) => isInstance(symbol, row))?.[1]
}

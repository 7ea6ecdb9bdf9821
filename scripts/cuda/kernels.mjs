// What `cuobjdump -res-usage` says of a library of kernels, held against the architectures and bounds that are wanted.

/**
 * `{ cubins: Map(arch → Map(symbol → { kernel, registers, stack })), ptx: [arch] }`. A kernel's name is the last part of
 * its C++ name, without template arguments. Spilled registers lie in the stack frame.
 */
export function parseResourceUsage(text) {
  const cubins = new Map()
  const ptx = []
  let kind, kernels, symbol
  for (const line of text.split('\n')) {
    const [, code] = /^Fatbin (elf|ptx) code:/.exec(line) ?? []
    const [, arch] = /^arch = (sm_\d+)/.exec(line) ?? [] // sm_90a, for instructions of its own, is sm_90 in another name
    const [, name] = /^ Function ([^:]+):/.exec(line) ?? []
    const [, registers, stack] = /^ {2}REG:(\d+) STACK:(\d+)/.exec(line) ?? []
    if (code) kind = code
    else if (arch && kind === 'ptx') ptx.push(arch)
    else if (arch) {
      kernels = cubins.get(arch) ?? new Map()
      cubins.set(arch, kernels)
    } else if (name) symbol = name
    else if (registers)
      kernels.set(symbol, { kernel: kernelName(symbol), registers: Number(registers), stack: Number(stack) })
  }
  return { cubins, ptx: [...new Set(ptx)] }
}

/** `scale_kernel` of `_ZN2cw…12scale_kernelIfEEv…`: the last of the lengths and names at the front. */
export function kernelName(symbol) {
  let name = symbol
  let rest = symbol.replace(/^_ZN?/, '')
  for (let found = /^\d+/.exec(rest); found; found = /^\d+/.exec(rest)) {
    const begin = found[0].length
    const end = begin + Number(found[0])
    name = rest.slice(begin, end)
    rest = rest.slice(end)
  }
  return name
}

/**
 * Sentences about what is missing or beyond its bound. `architectures`: every one must hold every kernel; the last also
 * as PTX. `table`: `{ default: { registers, stack }, kernels: { name: { registers, stack, why } } }`.
 */
export function kernelViolations({ cubins, ptx }, architectures, table) {
  const violations = []
  const last = architectures.at(-1)
  if (!ptx.includes(last)) violations.push(`no PTX of ${last} for later cards: found ${ptx.join(', ') || 'none'}`)
  const everySymbol = new Map([...cubins.values()].flatMap((kernels) => [...kernels]))
  for (const arch of architectures) {
    const kernels = cubins.get(arch)
    if (!kernels) violations.push(`no kernels for ${arch}: found ${[...cubins.keys()].join(', ') || 'none'}`)
    else if (kernels.size === 0) violations.push(`the code for ${arch} holds no kernel`)
    else
      for (const [symbol, { kernel }] of everySymbol)
        if (!kernels.has(symbol)) violations.push(`${kernel} (${symbol}) is missing for ${arch}`)
  }
  for (const [arch, kernels] of cubins) {
    for (const what of ['registers', 'stack']) {
      for (const [kernel, { most, symbol }] of mostOf(kernels, what)) {
        const bound = (table.kernels[kernel] ?? table.default)[what]
        if (most <= bound) continue
        const unit = what === 'stack' ? 'bytes of stack (spilled registers are among them)' : 'registers'
        violations.push(`${kernel} on ${arch}: ${most} ${unit}, ${bound} allowed (${symbol})`)
      }
    }
  }
  return [...violations, ...tableViolations(table, new Set([...everySymbol.values()].map(({ kernel }) => kernel)))]
}

function tableViolations({ kernels }, present) {
  return Object.entries(kernels).flatMap(([kernel, { why }]) => {
    if (!present.has(kernel)) return [`${kernel} has a row in the table, but the library has no such kernel`]
    return why ? [] : [`${kernel} has a row in the table that does not say why`]
  })
}

/** Of each kernel the instance that takes the most: Map(kernel → { most, symbol }). */
function mostOf(kernels, what) {
  const found = new Map()
  for (const [symbol, { kernel, [what]: most }] of kernels) {
    if (most > (found.get(kernel)?.most ?? -1)) found.set(kernel, { most, symbol })
  }
  return found
}

/** The most that an instance of each kernel takes on any architecture: `[{ kernel, registers, stack }]`, by name. */
export function mostByKernel({ cubins }) {
  const everywhere = new Map(
    [...cubins].flatMap(([arch, kernels]) => [...kernels].map(([s, k]) => [`${arch} ${s}`, k])),
  )
  const stack = mostOf(everywhere, 'stack')
  return [...mostOf(everywhere, 'registers')]
    .map(([kernel, { most }]) => ({ kernel, registers: most, stack: stack.get(kernel).most }))
    .sort((a, b) => (a.kernel < b.kernel ? -1 : 1))
}

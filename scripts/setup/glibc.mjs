// What is shipped runs on an older glibc than the machine's that built it: it is linked against copies of libc and libm that
// know nothing newer. Linking then takes the old version of a function where there is a newer one too; a function that the
// old glibc lacks stays undefined (test/pack looks for such). Compiler and headers stay the machine's own.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { requireProgram, root, run } from './command.mjs'
import { hashOf, isStamped } from './stamp.mjs'

/** RHEL 8's, and what Node's own builds ask for. */
export const oldestGlibc = '2.28'

const folder = join(root, '.cache/glibc-stubs')
const libraries = ['libc.so.6', 'libm.so.6']

/** The `-D` arguments that make CMake link so: none where the C library is not glibc on x86-64. */
export function ensureGlibcStubs(compiler) {
  const inCompiler = (name) => run(compiler, [`-print-file-name=${name}`], { quiet: true }).trim()
  const real = libraries.map(inCompiler)
  const loader = join(dirname(real[0]), 'ld-linux-x86-64.so.2')
  if (process.arch !== 'x64' || ![...real, loader].every(existsSync)) return []
  const stamp = join(folder, 'stamp')
  const hash = hashOf([...real, join(root, 'scripts/setup/glibc.mjs')])
  if (!isStamped(stamp, hash)) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    // As in the machine's own libc.so: a part is linked statically, and some symbols are the loader's.
    const others = [` ${inCompiler('libc_nonshared.a')} AS_NEEDED ( ${loader} )`, '']
    for (const [i, name] of libraries.entries()) writeStub(compiler, name, real[i], others[i])
    writeFileSync(stamp, hash)
  }
  return [`-DCLIPWRIGHT_GLIBC_STUBS=${folder}`]
}

function writeStub(compiler, name, real, others) {
  const objdump = requireProgram('objdump', 'to read what glibc exports', 'install binutils')
  const versions = exportsUntil(oldestGlibc, run(objdump, ['-T', real], { quiet: true }))
  const library = join(folder, name)
  writeFileSync(`${library}.s`, assemblyOf(versions))
  writeFileSync(`${library}.map`, versionScriptOf(versions))
  const options = ['-shared', '-nostdlib', `-Wl,-soname,${name}`, `-Wl,--version-script=${library}.map`]
  run(compiler, [...options, '-o', library, `${library}.s`])
  writeFileSync(library.replace(/\.6$/, ''), `GROUP ( ${library}${others} )\n`)
}

/**
 * Of what `objdump -T` prints: Map(version → [{ symbol, type, size }]), every symbol once, under the newest of its versions
 * that glibc `oldest` has. `type` is 'function' or 'object'; of an object a program may keep a copy, as large as it is here.
 */
export function exportsUntil(oldest, text) {
  const found = new Map()
  for (const line of text.split('\n')) {
    // Address, flags, section, size, version (in brackets where it is not the default), name.
    const match = /^[0-9a-f]+ (.{7}) (\S+)\s+([0-9a-f]+)\s+\(?GLIBC_([\d.]+)\)?\s+(\S+)$/.exec(line)
    if (!match) continue
    const [, flags, section, size, version, symbol] = match
    if (section === '*UND*' || section === '*ABS*') continue // needed from elsewhere; the names of versions themselves
    const known = found.get(symbol)
    if (isNewer(version, oldest) || (known && isNewer(known.version, version))) continue
    found.set(symbol, { version, type: /[Fi]/.test(flags) ? 'function' : 'object', size: Number.parseInt(size, 16) })
  }
  const byVersion = new Map()
  for (const [symbol, { version, ...rest }] of found) {
    if (!byVersion.has(version)) byVersion.set(version, [])
    byVersion.get(version).push({ symbol, ...rest })
  }
  return byVersion
}

/** Whether version `a`, for instance 2.34, comes after `b`. */
export function isNewer(a, b) {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number))
  const i = x.findIndex((part, i) => part !== (y[i] ?? 0))
  return i >= 0 && x[i] > (y[i] ?? 0)
}

function assemblyOf(versions) {
  const lines = [...versions.values()].flat().map(({ symbol, type, size }) => {
    const bytes = type === 'object' ? size : 8
    return `.balign 32\n.globl ${symbol}\n.type ${symbol}, @${type}\n.size ${symbol}, ${bytes}\n${symbol}: .zero ${Math.max(bytes, 1)}\n`
  })
  return `.data\n${lines.join('')}.section .note.GNU-stack,"",@progbits\n`
}

function versionScriptOf(versions) {
  const names = (symbols) => symbols.map(({ symbol }) => `${symbol};`).join(' ')
  return [...versions].map(([version, symbols]) => `GLIBC_${version} { global: ${names(symbols)} };\n`).join('')
}

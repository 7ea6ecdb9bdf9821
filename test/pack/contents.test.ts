/** What the packed package says of itself, and what its files ask for. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { oldestGlibc } from '../../lib/native/platform.js'
import { isNewer } from '../../scripts/setup/glibc.mjs'
import { filesUnder } from '../../scripts/setup/stamp.mjs'

const folder = mkdtempSync(join(tmpdir(), 'clipwright-contents-'))
const root = join(folder, 'package')
const read = (file: string) => readFileSync(file, 'utf8')
const files = (name: RegExp): string[] => filesUnder(root).filter((file: string) => name.test(file))
const manifest = () => JSON.parse(read(join(root, 'package.json'))) as Record<string, unknown>

beforeAll(() => {
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder])
  const [{ filename }] = JSON.parse(output.toString()) as [{ filename: string }]
  execFileSync('tar', ['-xzf', join(folder, filename), '-C', folder])
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the packed package', () => {
  // pnpm ends with ERR_PNPM_IGNORED_BUILDS over install scripts; npm runs node-gyp where it finds a binding.gyp.
  it('has nothing that runs when it is installed, and neither has what it depends on', () => {
    const scripts = Object.keys(manifest().scripts as object)
    expect(scripts.filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([])
    expect(manifest().gypfile).toBe(false)
    expect(existsSync(join(root, 'binding.gyp'))).toBe(false)
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { dev?: boolean; hasInstallScript?: boolean }>
    }
    const installed = Object.entries(packages).filter(([, { dev }]) => !dev)
    expect(installed.length).toBeGreaterThan(5)
    expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([])
  })

  // npm refuses them with EBADPLATFORM, before clipwright could say what to do.
  it('may be installed on any platform', () => {
    expect(manifest()).not.toHaveProperty('os')
    expect(manifest()).not.toHaveProperty('cpu')
  })

  it('names no source map that it does not have', () => {
    const code = files(/\.(m?js|ts|css|html)$/)
    expect(code.length).toBeGreaterThan(100)
    const dangling = code.filter((file) =>
      [...read(file).matchAll(/^\/[/*]# sourceMappingURL=(\S+)/gm)].some(
        ([, map]) => !existsSync(join(dirname(file), map!)),
      ),
    )
    expect(dangling).toEqual([])
  })

  it('has what its documents link to', () => {
    const documents = files(/\.md$/)
    expect(documents.map((file) => relative(root, file))).toEqual(expect.arrayContaining(['README.md', 'CHANGELOG.md']))
    const links = documents.flatMap((file) =>
      [...read(file).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target]) => ({ file, target: target! })),
    )
    expect(links.filter(({ target }) => target === 'docs/reference.md').length).toBeGreaterThan(0)
    const dead = links.filter(
      ({ file, target }) => !/^https:\/\//.test(target) && !existsSync(join(dirname(file), target)),
    )
    expect(dead).toEqual([])
  })

  it('needs no newer glibc than it says, and no newer libstdc++ than comes with that', () => {
    const newest = { GLIBC: oldestGlibc, GLIBCXX: '3.4.25', CXXABI: '1.3.11' } // of GCC 8, RHEL 8's
    const needed = wanted().flatMap(({ file, version }) => {
      const [, of, number] = /^(GLIBC|GLIBCXX|CXXABI)_([\d.]+)$/.exec(version) ?? []
      return of ? [{ file, version, tooNew: isNewer(number, newest[of as keyof typeof newest]) }] : []
    })
    expect(needed.length).toBeGreaterThan(100)
    expect(needed.filter(({ tooNew }) => tooNew)).toEqual([])
  })

  // The linker lets a function that no library has stay open, in case the process has it; loading would fail.
  it('needs nothing that is in no library, but for Node-API', () => {
    const open = wanted().filter(({ weak, version }) => !weak && version === 'Base')
    expect(open.filter(({ symbol }) => /^napi_/.test(symbol)).length).toBeGreaterThan(20)
    expect(open.filter(({ symbol }) => !/^(napi|dnnl)_/.test(symbol))).toEqual([])
  })
})

/** The undefined symbols of all packed binaries; version 'Base' where any will do. */
function wanted() {
  const binaries = files(/\.node$|\.so\.\d+$/)
  expect(binaries).toHaveLength(3)
  return binaries.flatMap((file) => {
    const lines = execFileSync('objdump', ['-T', file], { encoding: 'utf8', maxBuffer: 1 << 26 }).split('\n')
    // Address, flags, *UND*, size, version (mostly in brackets), name.
    const found = lines.map((line) => /^[0-9a-f]+ .(.).{5} \*UND\*\s+[0-9a-f]+\s+\(?([\w.]+)\)?\s+(\S+)$/.exec(line))
    return found.flatMap((match) =>
      match ? [{ file, weak: match[1] === 'w', version: match[2]!, symbol: match[3]! }] : [],
    )
  })
}

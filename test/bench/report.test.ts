/** results/*.json as RESULTS.md's tables and plots. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CASES } from '../../bench/cases.mjs'
import { BEGIN, END, reportOf, writeReport } from '../../bench/report/page.mjs'
import { nameOf } from '../../bench/suite/name.mjs'
import { Store } from '../../bench/suite/store.mjs'
import { root } from '../../scripts/setup/command.mjs'
import { temporaryFolder } from '../train/pictures.js'

const folder = temporaryFolder()

const MACHINE = {
  cpu: 'AMD EPYC 9R14',
  processors: 2,
  isa: 'avx512_bf16',
  memoryGiB: 24,
  platform: 'linux-x64',
  node: '20.20.2',
  onednn: '3.2.0',
  clipwright: '0.1.0',
  commit: 'abc1234',
}
const VERSIONS = { torch: '2.13.0', open_clip: '3.3.0' }

type Trials = Record<string, object[] | { failed?: string; skipped?: string }>

/** One case of a fixture. */
function write(store: Store, name: string, contenders: Trials, more: object = {}) {
  const row = CASES.find((one) => nameOf(one as never) === name)!
  const entries = Object.entries(contenders).map(([who, its]) => [
    who,
    Array.isArray(its) ? { trials: its } : { trials: [], ...its },
  ])
  const result = {
    name,
    row,
    machine: MACHINE,
    date: '2026-11-30',
    quick: false,
    contenders: Object.fromEntries(entries),
    ...more,
  }
  store.write(result as never, CASES)
}

const OPS = [
  { name: 'linear', calls: 48, ms: 60, share: 0.6, gflop: 20, gb: 0.5, ofCeiling: 0.8 },
  { name: 'layer_norm', calls: 50, ms: 10, share: 0.1, gflop: 0, gb: 0.1, ofCeiling: 0.5 },
]

function fixture(name: string): Store {
  const store = new Store(join(folder, name))
  const step = (n: number, ours: number[], theirs: Trials[string]) =>
    write(store, `step/ViT-B-32/bf16/20-tokens/${n}-pairs`, {
      clipwright: ours.map((pairsPerSecond) => ({ pairsPerSecond, peakRssMiB: 2000 + n })),
      open_clip: theirs,
    })
  step(64, [13, 13.4, 13.8], [{ pairsPerSecond: 6.5, peakRssMiB: 4000, versions: VERSIONS }])
  step(16, [11.8], { failed: 'ModuleNotFoundError: no torch | here.' })
  step(256, [14.1], { skipped: 'It needs about 30000 MiB, and 20000 MiB are free.' })
  write(store, 'checkpoint/load/ViT-B-32', {
    clipwright: [{ seconds: 0.5, peakRssMiB: 900 }],
    open_clip: [{ seconds: 1.5, peakRssMiB: 1800, versions: VERSIONS }],
  })
  const profile = { stepMs: 100, restMs: 30, ceilings: { gflops: 400, gbPerSecond: 20 }, ops: OPS }
  write(store, 'profile/ViT-B-32/bf16/20-tokens/64-pairs', { clipwright: [profile] })
  return store
}

const page = join(folder, 'RESULTS.md')

describe('the report', () => {
  it('is a table a subject: medians, spread, and how many times as good', () => {
    const { text } = reportOf(fixture('tables').folder, page)
    const rows = text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
    const row = (label: string) => rows.find(([, first]) => first === label)!.slice(1, -1)
    expect(row('case')).toEqual([
      'case',
      'clipwright, pairs/s',
      'open_clip',
      'peak memory, MiB: clipwright',
      'peak memory, MiB: open_clip',
    ])
    expect(row('ViT-B-32, bf16, 20 tokens, 64 pairs')).toEqual([
      'ViT-B-32, bf16, 20 tokens, 64 pairs',
      '13.4 (13.0 to 13.8)',
      '6.50: **2.06 ×**',
      '2064',
      '4000: **1.94 ×**',
    ])
    // Less is better there.
    expect(row('load, ViT-B-32').slice(1, 3)).toEqual(['0.500', '1.50: **3.00 ×**'])
    expect(row('`linear`')).toEqual(['`linear`', '48', '60.0', '60.0 %', '20.0', '0.50', '80.0 %'])
  })

  it('says of each column that is empty why', () => {
    const { text } = reportOf(fixture('notes').folder, page)
    expect(text).toMatch(/16 pairs\s+\|\s+11\.8 \|\s+failed \[\d\]/)
    expect(text).toContain('open_clip: ModuleNotFoundError: no torch | here.')
    expect(text).toMatch(/256 pairs\s+\|\s+14\.1 \|\s+skipped \[\d\]/)
    expect(text).toContain('open_clip: It needs about 30000 MiB, and 20000 MiB are free.')
  })

  it('names machine, versions and dates, and warns of a busy one and of short measurements', () => {
    const store = fixture('provenance')
    expect(reportOf(store.folder, page).text).toContain(
      '- 2 processors of AMD EPYC 9R14 (kernels for avx512_bf16, oneDNN 3.2.0), 24 GiB, Node 20.20.2, clipwright 0.1.0 (abc1234); 2026-11-30; torch 2.13.0, open_clip 3.3.0.',
    )
    expect(reportOf(store.folder, page).text).not.toContain('other work')
    write(store, 'start/clipwright---help', { clipwright: [{ ms: 80, nodeMs: 50 }] }, { busy: true, quick: true })
    const { text } = reportOf(store.folder, page)
    expect(text).toContain('The machine had other work during 1 of 6 cases')
    expect(text).toContain('Short measurements (`--quick`): 1 of 6 cases.')
  })

  it('draws ratios, the profile, its roofline, and speed and memory by batch', () => {
    const { plots, text } = reportOf(fixture('plots').folder, page)
    expect(plots.map(({ file }) => file)).toEqual([
      'ratios.svg',
      'profile.svg',
      'roofline.svg',
      'batch-speed.svg',
      'batch-memory.svg',
    ])
    const [ratios, profile, roofline, speed, memory] = plots.map(({ svg }) => svg)
    expect(ratios).toContain('2.06 × open_clip')
    expect(ratios).toContain('3.00 × open_clip')
    expect(ratios!.match(/class="bar"/g)).toHaveLength(2)
    expect(profile).toContain('60.0 ms, 60 %, 80 % of the ceiling')
    // Norms have no arithmetic that counts.
    expect(roofline!.match(/class="op"/g)).toHaveLength(1)
    expect(roofline).toContain('400 GFLOP/s')
    // Three batches of ours; open_clip has one that could be measured.
    expect(speed!.match(/class="marker"/g)!.length).toBe(3 + 1 + 2)
    expect(memory).toContain('pairs per step')
    expect(text).toContain('](plots/ratios.svg)')
  })

  it('is put between its markers, and takes away drawings that have no results any more', async () => {
    const store = fixture('page')
    writeFileSync(page, `before\n\n${BEGIN}\n\nstale\n\n${END}\n\nafter\n`)
    await writeReport(store.folder, page)
    const written = readFileSync(page, 'utf8')
    expect(written.startsWith(`before\n\n${BEGIN}\n\nWritten by`)).toBe(true)
    expect(written.endsWith(`${END}\n\nafter\n`)).toBe(true)
    expect(written).not.toContain('stale')
    await writeReport(store.folder, page)
    expect(readFileSync(page, 'utf8'), 'again').toBe(written)
    for (const [, link] of written.matchAll(/!\[[^\]]*\]\(([^)]*)\)/g))
      expect(existsSync(join(folder, link!)), link).toBe(true)

    const empty = join(folder, 'empty')
    mkdirSync(empty)
    writeFileSync(join(empty, 'ratios.svg'), '')
    await writeReport(empty, page)
    expect(readFileSync(page, 'utf8')).toContain('Nothing has been measured yet')
    expect(readdirSync(empty)).toEqual([])
    writeFileSync(page, 'no markers')
    await expect(writeReport(empty, page)).rejects.toThrow('RESULTS.md lacks the lines')
  })

  it('is what RESULTS.md has of the results that lie beside it', () => {
    const text = readFileSync(join(root, 'bench/RESULTS.md'), 'utf8')
    const own = text.slice(text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)).trim()
    expect(own).toBe(reportOf(join(root, 'bench/results'), join(root, 'bench/RESULTS.md')).text.trim())
  })
})

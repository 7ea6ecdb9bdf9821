/** results/*.json as RESULTS.md's tables and plots. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CASES } from '../../bench/cases.mjs'
import { BEGIN, END, reportOf, writeReport } from '../../bench/report/page.mjs'
import { targetsOf } from '../../bench/report/targets.mjs'
import { nameOf } from '../../bench/suite/name.mjs'
import { Store } from '../../bench/suite/store.mjs'
import { TARGETS } from '../../bench/targets.mjs'
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

  it('tells targets from what was measured, and what stands between a step and its', () => {
    const store = fixture('targets')
    const step = 'step/ViT-B-32/bf16/20-tokens/64-pairs'
    const [name, gemm] = [step, 'gemm/ViT-B-32/bf16/20-tokens/64-pairs']
    const text = (targets: object[]) => {
      const of = (subject: 'step' | 'profile' | 'gemm' | 'checkpoint') => store.read(subject)
      const all = { step: of('step'), profile: of('profile'), gemm: of('gemm'), checkpoint: of('checkpoint') }
      return targetsOf(all, targets as never)
    }
    const cells = (targets: object[]) =>
      text(targets)!
        .split('\n')
        .filter((line) => line.startsWith('| step') || line.startsWith('| checkpoint'))
        .map((line) => line.split('|').map((cell) => cell.trim()))
        .map(([, , what, aim, value, reached]) => [what, aim, value, reached])
    expect(
      cells([
        { name, peers: ['open_clip'], atLeast: 2.2, amx: 4 },
        { name, peers: ['torch', 'open_clip'], atLeast: 2 },
        { name, figure: 'peakRssMiB', peers: ['open_clip'], atMost: 0.52 },
        { name: 'step/ViT-B-32/bf16/20-tokens/16-pairs', of: step, atLeast: 0.85 },
        { name: 'step/ViT-B-32/bf16/20-tokens/16-pairs', peers: ['open_clip'], than: step, atLeast: 2 },
        { name: 'step/ViT-B-32/bf16/20-tokens/256-pairs', peers: ['open_clip'], atLeast: 2 },
        { name: 'checkpoint/load/ViT-B-32', peers: ['open_clip'], atLeast: 2 },
        { name: 'checkpoint/load/ViT-B-32', figure: 'peakRssMiB', atMost: 850 },
        { name: 'start/clipwright---help', atMost: 100 },
      ]),
    ).toEqual([
      ['pairs/s beside open_clip', '≥ 2.20 ×', '2.06 ×', '**no**'],
      ['pairs/s beside open_clip', '≥ 2.00 ×', '2.06 ×', 'yes'],
      ['peak memory beside open_clip', '≤ 0.520 ×', '0.516 ×', 'yes'],
      [`pairs/s beside ${step}`, '≥ 0.850 ×', '0.881 ×', 'yes'],
      [`pairs/s beside open_clip in ${step}`, '≥ 2.00 ×', '1.82 ×', '**no**'],
      ['pairs/s beside open_clip', '≥ 2.00 ×', 'not measured', ''],
      ['seconds beside open_clip', '≥ 2.00 ×', '3.00 ×', 'yes'],
      ['peak memory', '≤ 850 MiB', '900 MiB', '**no**'],
    ])
    const missed = [{ name, peers: ['open_clip'], atLeast: 2.2 }]
    expect(text(missed)).toContain('(`npm run bench -- --only gemm/ViT-B-32/bf16/20-tokens/64-pairs`)')
    write(store, gemm, { clipwright: [{ gflops: 400 }] })
    const trial = { pairsPerSecond: 13.4, peakRssMiB: 2064, stepMs: 4800, gflops: 320 }
    write(store, step, { clipwright: [trial], open_clip: [{ pairsPerSecond: 6.5 }] })
    expect(text(missed)).toContain(
      'What stands between, ViT-B-32, bf16, 20 tokens, 64 pairs: its 4800 ms do at 320 GFLOP/s what the products alone do at 400, in 3840 ms, which is the floor; of a profiled step products take 60.0 %, and then `layer_norm` 10.0 %.',
    )
    expect(cells([{ name, figure: 'gflops', of: gemm, atLeast: 0.91 }])).toEqual([
      [`GFLOP/s beside ${gemm}`, '≥ 0.910 ×', '0.800 ×', '**no**'],
    ])
    expect(text([{ name: 'start/clipwright---help', atMost: 100 }])).toBeUndefined()
    for (const target of TARGETS)
      for (const one of [target.name, target.of, target.than].filter((given) => given !== undefined))
        expect(
          CASES.map((row) => nameOf(row as never)),
          one,
        ).toContain(one)
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
    // Three batches of ours; open_clip has one that could be measured. As many in the legend as there are curves.
    expect(speed!.match(/class="marker"/g)!.length).toBe(3 + 1 + 2)
    expect(memory).toContain('pairs per step')
    expect(text).toContain('](plots/ratios.svg)')
  })

  it('draws other manners of a batch apart, and the memory of processes that encode', () => {
    const store = fixture('more plots')
    const slices = 'step/ViT-B-32/bf16/20-tokens/256-pairs/32-at-a-time'
    write(store, slices, { clipwright: [{ pairsPerSecond: 10, peakRssMiB: 1900 }] })
    write(store, 'infer/ViT-B-32/image/bf16/batch-1', {
      clipwright: [{ perSecond: 30, rssMiB: 979 }],
      torch: [{ perSecond: 20, rssMiB: 700 }],
    })
    write(store, 'infer/ViT-B-32/image/bf16/only-encodes/batch-1', { clipwright: [{ perSecond: 30, rssMiB: 450 }] })
    const svgs = Object.fromEntries(reportOf(store.folder, page).plots.map(({ file, svg }) => [file, svg]))
    expect(svgs['batch-speed.svg']).toContain('clipwright, 32 at a time')
    expect(svgs['batch-speed.svg']!.match(/class="marker"/g)!.length).toBe(3 + 1 + 1 + 3)
    const memory = svgs['encoder-memory.svg']!
    expect(memory.match(/class="bar"/g)).toHaveLength(3)
    for (const said of ['clipwright, ViT-B-32, bf16, only encodes', '450 MiB', 'torch, ViT-B-32, bf16', '700 MiB'])
      expect(memory).toContain(said)
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

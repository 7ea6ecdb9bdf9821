/** The suite: which cases run, in which order trials come, and what becomes of those that cannot. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { CASES } from '../../bench/cases.mjs'
import { SUBJECTS } from '../../bench/subjects/table.mjs'
import { Environments } from '../../bench/suite/environments.mjs'
import { measureCase } from '../../bench/suite/measure.mjs'
import { nameOf } from '../../bench/suite/name.mjs'
import { peerNames, selectCases, selectPeers } from '../../bench/suite/select.mjs'
import { Store } from '../../bench/suite/store.mjs'
import { continued } from '../../bench/suite/suite.mjs'
import { summarize } from '../../bench/suite/summary.mjs'
import { runTrial } from '../../bench/suite/trial.mjs'
import { requireRoom } from '../../scripts/peers/room.mjs'
import { root, SetupError } from '../../scripts/setup/command.mjs'
import { temporaryFolder } from '../train/pictures.js'

const folder = temporaryFolder()
const names = (rows: readonly object[]) => rows.map((row) => nameOf(row as never))

it('has a name of its own for every case, and a subject that runs it', () => {
  expect(new Set(names(CASES)).size).toBe(CASES.length)
  for (const row of CASES) {
    const { contenders, figures } = SUBJECTS[row.subject]!
    expect(Object.keys(contenders)[0]).toBe('clipwright')
    expect(figures.length).toBeGreaterThan(0)
    for (const [who, { args, needsMiB }] of Object.entries(contenders)) {
      const given = args(row, { quick: true, artefact: (name: string) => `/there/${name}` })
      for (const word of given ?? [])
        expect(['string', 'number'], `${nameOf(row)} ${who} ${word}`).toContain(typeof word)
      if (given)
        expect(
          existsSync(join(root, 'bench', who === 'clipwright' ? 'ours' : 'peers', String(given[0]))) ||
            given[0] === 'cli',
        ).toBe(true)
      if (needsMiB) expect(needsMiB(row)).toBeGreaterThan(0)
    }
  }
})

it('selects by the beginnings of names, and the quick ones', () => {
  expect(names(selectCases(CASES, { only: ['step/ViT-L-14'] }))).toEqual(['step/ViT-L-14/bf16/20-tokens/8-pairs'])
  expect(names(selectCases(CASES, { only: ['loss', 'start'] }))).toEqual(
    names(CASES).filter((name) => /^(loss|start)\//.test(name)),
  )
  const quick = selectCases(CASES, { quick: true })
  expect(quick.length).toBeGreaterThan(5)
  for (const row of quick) expect(row.quick).toBe(true)
  // A whole name wins over --quick.
  expect(selectCases(CASES, { quick: true, only: ['step/ViT-L-14/bf16/20-tokens/8-pairs'] })).toHaveLength(1)
})

it('offers the nearest case and the nearest peer', () => {
  expect(() => selectCases(CASES, { only: ['setp'] })).toThrow('There is no case "setp"; did you mean "step"?')
  expect(() => selectCases(CASES, { only: ['step/VIT-B-23'] })).toThrow('did you mean "step/ViT-B-32"?')
  expect(() => selectPeers('trch')).toThrow('There is no peer "trch"; did you mean "torch"?')
  expect(selectPeers('torch,open_clip')).toEqual(['torch', 'open_clip'])
  expect(selectPeers('none')).toEqual([])
  expect(selectPeers(undefined)).toEqual(peerNames())
})

it('the command lists cases and refuses names that it does not know', () => {
  const bench = (...args: string[]) =>
    spawnSync(process.execPath, [join(root, 'bench/run.mjs'), ...args], { encoding: 'utf8' })
  const { status, stdout } = bench('--list', '--only', 'tokenizer', '--peers', 'transformers.js')
  expect(status).toBe(0)
  expect(
    stdout
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(/\s{2,}/)),
  ).toEqual([
    ['tokenizer/CLIP-English', 'quick', 'clipwright, transformers.js'],
    ['tokenizer/BERT-Chinese', 'quick', 'clipwright'],
  ])
  const wrong = bench('--only', 'infr')
  expect(wrong).toMatchObject({ status: 1, stderr: expect.stringContaining('did you mean "infer"?') })
  expect(bench('--round', '2')).toMatchObject({ status: 1, stderr: expect.stringContaining('--help') })
})

const FAKE = join(import.meta.dirname, 'fake-peers.mjs')
const node = process.execPath

it('takes the last line of a trial, or says why there is none', async () => {
  expect(await runTrial(node, [FAKE, '{"seconds": 2}'])).toEqual({ figures: { seconds: 2 } })
  expect(await runTrial(node, [FAKE, 'no figures'])).toEqual({ failed: 'It printed no figures but "no figures".' })
  expect(await runTrial(node, [FAKE, 'FAIL', 'no', 'memory'])).toEqual({ failed: 'no memory.' })
  expect(await runTrial(node, ['-e', 'throw new TypeError("no figures here")'])).toEqual({
    failed: 'TypeError: no figures here.',
  })
  expect(await runTrial('/no/such/python', [])).toEqual({ failed: expect.stringContaining('could not be started') })
  expect(await runTrial(node, ['-e', 'setInterval(() => {}, 1000)'], { minutes: 0.005 })).toEqual({
    failed: expect.stringContaining('more than 0.005 minutes'),
  })
})

/** A suite of which nothing is real but its processes. */
function pretend(o: object = {}) {
  const order: string[] = []
  const written: { contenders: Record<string, { trials: object[] }> }[] = []
  let calls = 0
  const command = (who: string) => (_: string, args: unknown[]) => {
    void args
    return { program: node, args: [FAKE, JSON.stringify({ seconds: ++calls, who })] }
  }
  const environments = new Environments({
    ours: async () => command('ours'),
    python: async () => command('python'),
  })
  const how = {
    environments,
    peers: ['open_clip'],
    rounds: 2,
    quick: true,
    machine: { cpu: 'a' },
    artefact: (name: string) => name,
    freeMiB: () => 1e6,
    isBusy: () => false,
    write: (result: never) => written.push(structuredClone(result)),
    say: (text: string) => order.push(text.replace(/^\S+ {2}/, '')),
    ...o,
  }
  return { how, order, written }
}

const LOAD = CASES.find((row) => nameOf(row) === 'checkpoint/load/ViT-B-32')!

it('runs contenders in turns, and writes after each trial', async () => {
  const { how, order, written } = pretend()
  const result = await measureCase(LOAD, undefined, how)
  expect(order.map((line) => line.split('  ')[0])).toEqual([
    'clipwright 1/2',
    'open_clip 1/2',
    'clipwright 2/2',
    'open_clip 2/2',
  ])
  expect(written.map(({ contenders: c }) => [c.clipwright!.trials.length, c.open_clip!.trials.length])).toEqual([
    [0, 0],
    [1, 0],
    [1, 1],
    [2, 1],
    [2, 2],
  ])
  expect(result).toMatchObject({ name: 'checkpoint/load/ViT-B-32', machine: { cpu: 'a' }, quick: true })
  expect(result.contenders.clipwright!.trials).toHaveLength(2)
})

it('goes on where it was', async () => {
  const { how } = pretend({ rounds: 1 })
  const half = await measureCase(LOAD, undefined, how)
  const rest = pretend({ rounds: 3 })
  await measureCase(LOAD, continued(half, { cpu: 'a' }, true), rest.how)
  expect(rest.order).toHaveLength(4)
  expect(half.contenders.open_clip!.trials).toHaveLength(3)
  expect(continued(half, { cpu: 'b' }, true), 'another machine').toBeUndefined()
  expect(continued(half, { cpu: 'a' }, false), 'longer trials').toBeUndefined()
  expect(continued(undefined, { cpu: 'a' }, true)).toBeUndefined()
})

it('leaves out a peer that fails, cannot be installed or needs more memory, and runs the rest', async () => {
  const ours = async () => () => ({ program: node, args: [FAKE, '{"seconds": 1}'] })
  const broken = new Environments({
    ours,
    python: async () => () => ({ program: node, args: [FAKE, 'FAIL', 'ModuleNotFoundError: no torch'] }),
  })
  const failing = pretend({ environments: broken })
  const failed = await measureCase(LOAD, undefined, failing.how)
  expect(failed.contenders.open_clip).toMatchObject({ trials: [], failed: 'ModuleNotFoundError: no torch.' })
  expect(failed.contenders.clipwright!.trials).toHaveLength(2)
  expect(failing.order.filter((line) => line.startsWith('open_clip'))).toHaveLength(1)

  let tried = 0
  const absent = new Environments({
    ours,
    python: async () => {
      tried++
      requireRoom('/tmp', 9, 'The peers', () => 1e9)
      return () => ({})
    },
  })
  for (let i = 0; i < 2; i++) {
    const { contenders } = await measureCase(LOAD, undefined, pretend({ environments: absent }).how)
    expect(contenders.open_clip!.failed).toMatch(
      /^It could not be installed: The peers need about 9 GB in \/tmp, and 1\.0 GB are free/,
    )
    expect(contenders.clipwright!.trials).toHaveLength(2)
  }
  expect(tried).toBe(1)

  const { contenders } = await measureCase(LOAD, undefined, pretend({ freeMiB: () => 1500 }).how)
  expect(contenders.open_clip!.skipped).toMatch(/^It needs about \d+ MiB, and 1500 MiB are free\.$/)
  expect(contenders.clipwright!.trials).toHaveLength(2)
})

it('does not take a mistake of its own for a peer that cannot be installed', async () => {
  const environments = new Environments({
    python: async () => {
      throw new TypeError('undefined is not a function')
    },
  })
  await expect(environments.open('python')).rejects.toThrow(TypeError)
})

it('has room where there is room', () => {
  expect(() => requireRoom('/tmp/not/yet/there', 1, 'They', () => 2e9)).not.toThrow()
  expect(() => requireRoom('/tmp/not/yet/there', 3, 'They', () => 2e9)).toThrow(SetupError)
  expect(() => requireRoom('/tmp', 1e9, 'They')).toThrow('make room there')
})

it('keeps a file a subject, in the order of the cases, and nothing half written', () => {
  const store = new Store(join(folder, 'results'))
  const [a, b] = CASES.filter(({ subject }) => subject === 'checkpoint')
  const result = (row: object, seconds: number[]) => ({
    name: nameOf(row as never),
    row,
    machine: {},
    date: '2026-11-30',
    quick: false,
    contenders: { clipwright: { trials: seconds.map((s) => ({ seconds: s })) } },
  })
  store.write(result(b!, [3, 1, 2]) as never, CASES)
  store.write(result(a!, [5]) as never, CASES)
  store.write(result(b!, [4, 8]) as never, CASES)
  expect(readdirSync(store.folder)).toEqual(['checkpoint.json'])
  expect(store.read('checkpoint').map(({ name }) => name)).toEqual(names([a!, b!]))
  expect(store.find(b!)!.contenders.clipwright!.summary).toEqual({ seconds: { median: 6, low: 4, high: 8 } })
  expect(store.subjects()).toEqual(['checkpoint'])
  writeFileSync(join(store.folder, 'loss.json'), 'not json')
  expect(() => store.read('loss')).toThrow('does not hold results of the suite')
})

it('takes the middle of what was measured', () => {
  const figures = [
    { key: 'ms', title: '', unit: '', higher: false },
    { key: 'none', title: '', unit: '', higher: true },
  ]
  expect(summarize([{ ms: 3 }, { ms: 1 }, { ms: 10 }], figures)).toEqual({ ms: { median: 3, low: 1, high: 10 } })
  expect(summarize([], figures)).toEqual({})
})

// What figures depend on besides the code: the machine, and how busy it was.
import { spawnSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { examineMachine } from '../../dist/index.js'
import { root } from '../../scripts/setup/command.mjs'

/** Share of the processors that other work takes, from which figures are those of a busy machine. */
const BUSY = 0.2
const LOOK_MS = 400

/** The machine in a few facts, its version of clipwright and the commit, if it is one. */
export async function describeMachine() {
  const { clipwright, node, platform, cpu } = await examineMachine()
  const commit = git('rev-parse', '--short', 'HEAD')
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'lib', 'native') !== ''
  return {
    cpu: cpu.model,
    processors: cpu.threads,
    isa: cpu.isa,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform,
    node,
    onednn: cpu.onednn,
    clipwright,
    commit: commit && (changed ? `${commit} and changes` : commit),
  }
}

/** Before a trial begins, while nothing of the suite runs: the load average would still know the trial before. */
export async function isBusy() {
  const before = processorTime()
  await setTimeout(LOOK_MS)
  const after = processorTime()
  return 1 - (after.idle - before.idle) / (after.all - before.all) > BUSY
}

function processorTime() {
  const times = cpus().map(({ times }) => times)
  const sum = (of) => times.reduce((total, one) => total + of(one), 0)
  return { idle: sum((t) => t.idle), all: sum((t) => t.idle + t.user + t.nice + t.sys + t.irq) }
}

function git(...args) {
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : ''
}

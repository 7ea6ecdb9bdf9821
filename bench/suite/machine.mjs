// What figures depend on besides the code: the machine, and how busy it was.
import { spawnSync } from 'node:child_process'
import { cpus, loadavg, totalmem } from 'node:os'
import { examineMachine } from '../../dist/index.js'
import { root } from '../../scripts/setup/command.mjs'

/** Load of other work, as a share of the processors, from which figures are those of a busy machine. */
const BUSY = 0.3

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

/** Before a trial begins. */
export const isBusy = () => loadavg()[0] / cpus().length > BUSY

function git(...args) {
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : ''
}

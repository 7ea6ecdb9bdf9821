// What the model is held against: steps and collectives of 1, 2 and 4 ranks on this machine, by the built command line.
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { root } from '../../scripts/setup/command.mjs'
import { mpirun } from '../../scripts/setup/openmpi.mjs'
import { describeMachine, isBusy } from '../suite/machine.mjs'

const RANKS = [1, 2, 4]

/** @param {{ model: string, precision: string, batches: number[], steps: number, seconds: number, trials: number }} o */
export async function measure(o) {
  const processors = availableParallelism()
  const busy = await isBusy()
  const steps = o.batches.map((batch) => ({ batch, ranks: RANKS.map(() => []) }))
  // In turns, so that a busy minute meets all of them.
  for (let trial = 0; trial < o.trials; trial++)
    for (const { batch, ranks } of steps)
      for (const [i, count] of RANKS.entries()) {
        const threads = Math.max(1, Math.floor(processors / count))
        const shape = ['--model', o.model, '--precision', o.precision, '--batch-size', batch, '--threads', threads]
        ranks[i].push(bench(count, ['step', ...shape, '--device', 'cpu', '--steps', o.steps]).stepMs)
      }
  const shape = ['--model', o.model, '--precision', o.precision, '--threads', processors, '--device', 'cpu']
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: await describeMachine(),
    processors,
    busy,
    options: o,
    steps: steps.map(({ batch, ranks }) => ({ batch, stepMs: ranks.map((all, i) => ({ ranks: RANKS[i], all })) })),
    profiles: o.batches.map((batch) => ({ batch, ...bench(1, ['profile', ...shape, '--batch-size', batch]) })),
    dist: RANKS.slice(1).map((ranks) => bench(ranks, ['dist', '--device', 'cpu', '--seconds', o.seconds])),
  }
}

function bench(ranks, args) {
  const command = [process.execPath, 'dist/cli/main.js', 'bench', ...args.map(String), '--json']
  const found = ranks > 1 ? mpirun() : undefined
  if (ranks > 1 && !found) throw new Error('No MPI is at hand: npm run build fetches one.')
  const all = found
    ? [found.program, '--allow-run-as-root', '--oversubscribe', '--bind-to', 'none', '-n', String(ranks), ...command]
    : command
  const { status, stdout, stderr } = spawnSync(all[0], all.slice(1), {
    cwd: root,
    env: { ...process.env, ...found?.env },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${all.join(' ')} ended with ${status}: ${stderr}`)
  return JSON.parse(stdout)
}

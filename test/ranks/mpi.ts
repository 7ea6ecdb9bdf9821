/** Training as several ranks under mpirun, with the built command line. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { mpirun } from '../../scripts/setup/openmpi.mjs'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export type Job = { process: ChildProcess; ended: Promise<{ code: number | null; output: string; seconds: number }> }

/**
 * Starts `clipwright ARGS` on so many ranks of this machine.
 * @param of what the rank of this number is told instead
 * @param variables of its own environment, NAME=VALUE
 */
export function startRanks(
  size: number,
  args: readonly string[],
  of: Record<number, readonly string[]> = {},
  variables: Record<number, readonly string[]> = {},
): Job {
  const found = mpirun()
  if (!found) throw new Error('no MPI is at hand: npm run build fetches one')
  const each = Array.from({ length: size }, (_, rank) => {
    const own = variables[rank] ? ['env', ...variables[rank]] : []
    return ['-n', '1', ...own, process.execPath, main, ...(of[rank] ?? args)]
  })
  const differ = Object.keys(of).length + Object.keys(variables).length > 0
  const programs = differ ? each.flatMap((one, i) => (i > 0 ? [':', ...one] : one)) : undefined
  const all = programs ?? ['-n', String(size), process.execPath, main, ...args]
  const begun = performance.now()
  const child = spawn(found.program, ['--allow-run-as-root', '--oversubscribe', '--bind-to', 'none', ...all], {
    env: { ...process.env, ...found.env, NODE_NO_WARNINGS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const ended = new Promise<{ code: number | null; output: string; seconds: number }>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output, seconds: (performance.now() - begun) / 1000 }))
  })
  return { process: child, ended }
}

/** Runs to the end. */
export const onRanks = (size: number, args: readonly string[], of?: Record<number, readonly string[]>) =>
  startRanks(size, args, of).ended

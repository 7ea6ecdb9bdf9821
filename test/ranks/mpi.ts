/** Training as several ranks under mpirun, with the built command line. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { mpirun } from '../../scripts/setup/openmpi.mjs'
import { temporaryFolder } from '../train/pictures.js'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
/**
 * For what Open MPI writes, a folder a job: in the machine's own a killed mpirun leaves one named after its process, and
 * the next mpirun that is given that number does not start ("listener thread failed to start").
 */
const sessions = temporaryFolder()

export type Job = { process: ChildProcess; ended: Promise<{ code: number | null; output: string; seconds: number }> }

/** By ranks' numbers: what one is told instead (`of`), and what is set for one besides (`env`). `program`: in place of `clipwright`. */
export type JobOptions = {
  of?: Record<number, readonly string[]>
  program?: string
  env?: Record<number, Record<string, string>>
}

/** Starts `clipwright ARGS` on so many ranks of this machine. */
export function startRanks(
  size: number,
  args: readonly string[],
  { of = {}, program = main, env = {} }: JobOptions = {},
): Job {
  const found = mpirun()
  if (!found) throw new Error('no MPI is at hand: npm run build fetches one')
  const each = Array.from({ length: size }, (_, rank) => {
    const set = Object.entries(env[rank] ?? {}).map(([key, value]) => `${key}=${value}`)
    return ['-n', '1', 'env', ...set, process.execPath, program, ...(of[rank] ?? args)]
  })
  const differ = Object.keys(of).length + Object.keys(env).length > 0
  const all = differ
    ? each.flatMap((one, i) => (i > 0 ? [':', ...one] : one))
    : ['-n', String(size), process.execPath, program, ...args]
  const begun = performance.now()
  const child = spawn(found.program, ['--allow-run-as-root', '--oversubscribe', '--bind-to', 'none', ...all], {
    env: { ...process.env, ...found.env, NODE_NO_WARNINGS: '', TMPDIR: mkdtempSync(join(sessions, 'job-')) },
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

/** The processes of a job's ranks, in the order in which they were started. */
export function ranksOf({ process: { pid } }: Job, program = 'dist/cli/main.js'): number[] {
  const rows = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        // After the name in brackets: state and parent.
        const parent = /^.*\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1]
        return [{ own: Number(name), parent: Number(parent), args: readFileSync(`/proc/${name}/cmdline`, 'utf8') }]
      } catch {
        return [] // it has ended meanwhile
      }
    })
    .sort((a, b) => a.own - b.own)
  const below = (parent: number): typeof rows =>
    rows.filter((row) => row.parent === parent).flatMap((row) => [row, ...below(row.own)])
  return below(pid!).flatMap(({ own, args }) => (args.includes(program) ? [own] : []))
}

/** Waits until the run in a folder has logged so many steps. */
export async function reach(folder: string, steps: number): Promise<void> {
  for (let i = 0; i < 600; i++) {
    await sleep(100)
    try {
      if (readFileSync(join(folder, 'log.jsonl'), 'utf8').includes(`"step":${steps},`)) return
    } catch {}
  }
  throw new Error(`${folder} did not come to step ${steps}`)
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Runs to the end. */
export const onRanks = (size: number, args: readonly string[], options?: JobOptions) =>
  startRanks(size, args, options).ended

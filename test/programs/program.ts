/** Programs in a process of their own: what would disturb the process that tests, or end it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export type Ended = {
  code: number | null
  /** SIGKILL when it did not end in time. */
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  /** By `performance.timeOrigin + performance.now()`, which processes share. */
  at: number
}

export type ProgramOptions = { timeout?: number; cwd?: string }

const TIMEOUT_MS = 50_000

export class Program {
  readonly ended: Promise<Ended>
  readonly #process: ChildProcess
  readonly #output = { stdout: '', stderr: '' }

  constructor(command: string, args: readonly string[], { timeout = TIMEOUT_MS, cwd }: ProgramOptions = {}) {
    this.#process = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout,
      killSignal: 'SIGKILL',
      ...(cwd !== undefined && { cwd }),
    })
    for (const name of ['stdout', 'stderr'] as const) {
      this.#process[name]?.setEncoding('utf8').on('data', (text) => {
        this.#output[name] += text
      })
    }
    this.ended = new Promise((resolve, reject) => {
      this.#process.once('error', reject)
      let at = Number.NaN
      this.#process.once('exit', () => {
        at = performance.timeOrigin + performance.now()
      })
      this.#process.once('close', (code, signal) => resolve({ code, signal, ...this.#output, at }))
    })
  }

  /** Waits until it has printed this. */
  async printed(text: string): Promise<void> {
    while (!this.#output.stdout.includes(text)) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }
}

/** A program of this folder. */
export function program(name: string, args: readonly string[] = [], options: ProgramOptions = {}): Program {
  return new Program(process.execPath, [fileURLToPath(new URL(name, import.meta.url)), ...args], options)
}

/** The command line's entry. */
export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** The built command line, as users run it; `npm test` builds it before. */
export function clipwright(args: readonly string[], options: ProgramOptions = {}): Program {
  return new Program(process.execPath, [MAIN, ...args], options)
}

/** What a program printed as its last line, of one that ended well. */
export async function answerOf<T>(running: Program): Promise<T> {
  const { code, signal, stdout, stderr } = await running.ended
  if (code !== 0) throw new Error(`the program ended with ${signal ?? code}: ${stderr}`)
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) as string) as T
}

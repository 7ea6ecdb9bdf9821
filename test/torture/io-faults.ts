/** Runs whose calls of the system are struck: io-faults.cpp, built once and preloaded. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TrainOptions } from '../../lib/train/options/options.js'
import { type Ended, Program } from '../programs/program.js'
import { TRAIN } from './torture.js'

export type IoCall = 'read' | 'write' | 'sync' | 'open' | 'rename' | 'names' | 'memory'
export type IoKind = 'ENOSPC' | 'EIO' | 'EINTR' | 'ENOMEM' | 'short' | 'slow' | 'kill'

export type IoFault = {
  /** Only files whose path begins so count; of memory, libraries that ask for it. */
  under: string
  calls: readonly IoCall[]
  /** The number of the first call that is struck, from 1; 0 strikes none. */
  at: number
  /** How many in a row; 1 by default. */
  times?: number
  kind: IoKind
}

/** `counted`: calls that could have been struck; `struck`: those that were. */
export type Struck = Ended & { counted: number; struck: number }

/** Of a process: a bound for what hangs. */
const TIMEOUT = 600_000

export class IoFaults {
  readonly #library: string
  readonly #folder: string
  #reports = 0

  /** Builds the library into a folder. Throws what the compiler says. */
  constructor(folder: string) {
    this.#folder = folder
    this.#library = join(folder, 'io-faults.so')
    const source = fileURLToPath(new URL('io-faults.cpp', import.meta.url))
    const flags = ['-std=c++20', '-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC']
    execFileSync('g++', [...flags, source, '-o', this.#library, '-ldl'], { stdio: ['ignore', 'inherit', 'pipe'] })
  }

  /** What a process is told by its environment, and the report that it leaves. */
  told({ under, calls, at, times = 1, kind }: IoFault): { environment: Record<string, string>; report: string } {
    const report = join(this.#folder, `report-${++this.#reports}`)
    const how = kind.startsWith('E') ? constants.errno[kind as 'EIO'] : kind
    const fault = [under, calls.join(','), at, times, how, report].join(':')
    // No call goes by io_uring, where it could not be seen.
    return { environment: { UV_USE_IO_URING: '0', LD_PRELOAD: this.#library, CLIPWRIGHT_IO: fault }, report }
  }

  /** A run in a process of its own. */
  async train(options: TrainOptions, fault: IoFault): Promise<Struck> {
    const { environment, report } = this.told(fault)
    const set = Object.entries(environment).map(([key, value]) => `${key}=${value}`)
    const args = [...set, process.execPath, TRAIN, JSON.stringify(options)]
    const ended = await new Program('env', args, { timeout: TIMEOUT }).ended
    const numbers = readFileSync(report)
    return { ...ended, counted: Number(numbers.readBigUInt64LE(0)), struck: Number(numbers.readBigUInt64LE(8)) }
  }
}

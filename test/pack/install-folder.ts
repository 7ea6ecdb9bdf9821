import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** What a machine has that only runs Node: sh and env, because npm starts scripts with them, and some of coreutils. */
const programs = 'node npm sh env ls cat cp mv rm mkdir ln chmod uname dirname basename readlink realpath'.split(' ')

export type Run = { status: number | null; stdout: string; stderr: string }

/** An empty folder and a way to run programs in it with nothing else on the PATH. */
export class InstallFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'clipwright-pack-'))
  readonly #bin = join(this.path, 'bin')
  readonly #nodeAlone = join(this.path, 'node-alone')

  constructor() {
    mkdirSync(this.#bin)
    for (const name of programs) symlinkSync(whereIs(name), join(this.#bin, name))
    mkdirSync(this.#nodeAlone)
    symlinkSync(process.execPath, join(this.#nodeAlone, 'node'))
    writeFileSync(join(this.path, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  }

  run(program: string, ...args: string[]): Run {
    return this.#spawn(this.#bin, program, args)
  }

  /** Runs node where nothing else is on the PATH. */
  node(...args: string[]): Run {
    return this.#spawn(this.#nodeAlone, 'node', args)
  }

  #spawn(path: string, program: string, args: string[]): Run {
    const { HOME } = process.env
    const env = { PATH: path, HOME, npm_config_update_notifier: 'false' }
    return spawnSync(program, args, { cwd: this.path, env, encoding: 'utf8', maxBuffer: 1 << 26 })
  }

  /** As `run`; a program that fails, or that is not there, fails the test with what it said. */
  succeed(program: string, ...args: string[]): string {
    const { status, stdout, stderr } = this.run(program, ...args)
    if (status !== 0) throw new Error(`${[program, ...args].join(' ')} ended with ${status}:\n${stdout}${stderr}`)
    return stdout
  }
}

function whereIs(name: string): string {
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  return execFileSync('/bin/sh', ['-c', `command -v ${name}`], {
    env: { PATH: path.join(delimiter) },
    encoding: 'utf8',
  }).trim()
}

// Running other programs: found or named in one sentence, and their failures reported with the command that failed.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's root. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** A failure whose message is all that the user needs: no stack is printed for it. */
export class SetupError extends Error {}

// Left in place by an outer make (npm run from a Makefile, node-gyp), these would reach the build's own make.
const cleanEnvironment = () => {
  const { MAKEFLAGS, MFLAGS, MAKELEVEL, ...rest } = process.env
  return rest
}

/** Full path of a program on the PATH, or undefined. */
export function findProgram(name) {
  const candidates = name.includes('/')
    ? [name]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name))
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Full path of a program, or one sentence that says what it is for and how it is usually installed. */
export function requireProgram(name, purpose, remedy) {
  const path = findProgram(name)
  if (!path) throw new SetupError(`${name} is needed ${purpose}, but it is not on the PATH: ${remedy}.`)
  return path
}

/** Runs a program in the foreground and throws when it fails. */
export function run(program, args, { cwd = root, env, quiet = false } = {}) {
  const result = spawnSync(program, args, {
    cwd,
    env: { ...cleanEnvironment(), ...env },
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (result.error) throw new SetupError(`${program} could not be started: ${result.error.message}.`)
  if (result.status !== 0) {
    const end = result.signal ? `was ended by ${result.signal}` : `failed with exit code ${result.status}`
    const output = quiet ? `\n${result.stdout}${result.stderr}`.trimEnd() : ''
    throw new SetupError(`"${[program, ...args].join(' ')}" ${end} in ${cwd}.${output}`)
  }
  return result.stdout ?? ''
}

/** True when the program ends with exit code 0; prints nothing. */
export function succeeds(program, args, { cwd = root, env } = {}) {
  return spawnSync(program, args, { cwd, env: { ...cleanEnvironment(), ...env }, stdio: 'ignore' }).status === 0
}

/** True for the module that node was started with. */
export function isMain(meta) {
  return process.argv[1] !== undefined && fileURLToPath(meta.url) === process.argv[1]
}

/** Runs a script's main function; failures end the process with one sentence, unforeseen ones with their stack. */
export async function main(action) {
  try {
    await action()
  } catch (error) {
    console.error(error instanceof SetupError ? `error: ${error.message}` : error)
    process.exit(1)
  }
}

/** What the library says of its options, as the command line says it. */
import type { Command } from 'commander'
import { EXIT_USAGE } from './output.js'

const ABOUT_AN_OPTION = /^[\w.]+: option "(\w+)[^"]*": (.*)$/s

/**
 * The library's answer. An option that it refuses is wrong usage where it came from a flag of the command, and is called
 * by the flag's name.
 */
export async function asked<T>(command: Command, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const [, option, what] = ABOUT_AN_OPTION.exec((error as Error).message) ?? []
    const flag = command.options.find((known) => known.attributeName() === option)
    if ((error as { code?: string }).code !== 'ERR_INVALID_ARGUMENT' || !flag) throw error
    return command.error(`error: ${flag.long}: ${what}`, { exitCode: EXIT_USAGE })
  }
}

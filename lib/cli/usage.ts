/** What the library says of its options, as the command line says it. */
import type { Command } from 'commander'
import { namingOptions } from '../base/option-names.js'
import { EXIT_USAGE } from './output.js'

/** Most messages name options as they are told to (base/option-names.ts), some as code calls them. */
const ABOUT_AN_OPTION = /^[\w.]+: (?:option "([\w.]+)[^"]*"|(--[\w-]+)): (.*)$/s

/**
 * The library's answer, whose messages call options by the command's flags where they came from one. A flag's value that it
 * refuses is wrong usage.
 */
export async function asked<T>(command: Command, ask: () => Promise<T>): Promise<T> {
  const flagOf = (option: string) => {
    const name = option.replace(/\..*/, '')
    return command.options.find((known) => known.attributeName() === name)?.long ?? undefined
  }
  try {
    return await namingOptions(flagOf, ask)
  } catch (error) {
    const [, option, named, what] = ABOUT_AN_OPTION.exec((error as Error).message) ?? []
    const flag = option === undefined ? named : flagOf(option)
    if ((error as { code?: string }).code !== 'ERR_INVALID_ARGUMENT' || flag === undefined) throw error
    return command.error(`error: ${flag}: ${what}`, { exitCode: EXIT_USAGE })
  }
}

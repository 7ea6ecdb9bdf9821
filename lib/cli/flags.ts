/** Flags from declared options: names in kebab-case, values read, defaults and choices in --help. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Option as Declared, Flag, Kind, Options } from '../base/option.js'

/** `batchSize` → `--batch-size` */
export function flagName(option: string): string {
  return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** @param heading that they stand under in --help */
export function addOptions(command: Command, options: Options, heading?: string): Command {
  for (const [name, option] of Object.entries(options)) {
    if (option.kind.flag === undefined) continue
    const flags = [flagFor(flagName(name), option, option.kind.flag)]
    if (option.off !== undefined) flags.push(new Option(flagName(name).replace('--', '--no-'), option.off))
    for (const flag of flags) command.addOption(heading === undefined ? flag : flag.helpGroup(`${heading}:`))
  }
  return command
}

function flagFor<T>(name: string, option: Declared<T>, flag: Flag<T>): Option {
  const value = flag.value && (option.value ?? flag.value)
  const told = new Option(value ? `${name} ${value}` : name, describe(option))
  if (option.default !== undefined) told.default(option.default, option.otherwise)
  // Choices come with a reader of their own, which offers them.
  if (flag.choices) return told.choices(flag.choices)
  return flag.read ? told.argParser(reading(option.kind)) : told
}

/** Commander shows defaults that are values; those that are not stand behind the help. */
function describe({ help, otherwise, default: usual }: Declared<unknown>): string {
  return otherwise === undefined || usual !== undefined ? help : `${help} (default: ${otherwise})`
}

/** Reads a flag's value; one that is not of its kind is wrong usage. */
export function reading<T>({ flag }: Kind<T>): (text: string, before?: T) => T {
  return (text, before) => {
    const value = flag?.read?.(text, before)
    if (value === undefined) throw new InvalidArgumentError(`Expected ${flag?.expected ?? 'another value'}.`)
    return value
  }
}

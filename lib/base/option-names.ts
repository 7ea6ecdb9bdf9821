/** What messages call an option: `option "minLr"`, or as those wrote it who called. */
import { AsyncLocalStorage } from 'node:async_hooks'

/** Undefined where it is called as code calls it. */
export type OptionNames = (option: string) => string | undefined

const names = new AsyncLocalStorage<OptionNames>()

/** Calls it so that all messages from there on, its promises' too, name options that way: the command line's flags. */
export function namingOptions<T>(as: OptionNames, call: () => T): T {
  return names.run(as, call)
}

/**
 * @param option its name; for a part of it a path such as `augment.scale`
 * @param inCode how the sentence names it to those who call from code
 */
export function optionName(option: string, inCode = `option "${option}"`): string {
  return names.getStore()?.(option) ?? inCode
}

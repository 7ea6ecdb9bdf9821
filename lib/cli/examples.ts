/** Examples after a command's options: what can be copied from `--help`. */

/** @param lines without the program's name */
export function examples(...lines: string[]): string {
  return ['', lines.length === 1 ? 'Example:' : 'Examples:', ...lines.map((line) => `  clipwright ${line}`)].join('\n')
}

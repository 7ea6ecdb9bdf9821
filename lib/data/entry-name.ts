/**
 * What messages call an entry of a list. Readers and editors count from 1, so messages do; numbers in results and files
 * (`index`, `sample`) count from 0, as arrays do.
 *
 * @param index from 0
 * @param what is counted
 */
export function entryName(index: number, path: string, what: 'entry' | 'row' = 'entry'): string {
  return `${what} ${index + 1} of ${path}`
}

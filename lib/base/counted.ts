/** `1 picture`, `2 pictures`. */
export function counted(n: number, one: string): string {
  return `${n} ${n === 1 ? one : `${one}s`}`
}

/** Many of something, in the unit that fits: `151.28 M parameters`, `65.5 k parameters`, `1 parameter`. */
export function countedInUnits(n: number, one: string): string {
  if (n < 1e3) return counted(n, one)
  return n < 1e6 ? `${(n / 1e3).toFixed(1)} k ${one}s` : `${(n / 1e6).toFixed(2)} M ${one}s`
}

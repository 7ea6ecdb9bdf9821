/** Numbers that look random and are the same every time: of what is measured only the sizes matter. */

/** @returns a function of n that gives whole numbers from 0 to n - 1, n up to 2^24 */
export function drawing(): (n: number) => number {
  let state = 1
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0 // Numerical Recipes' generator, whose low bits are poor
    return (state >>> 8) % n
  }
}

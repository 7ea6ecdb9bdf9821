/** Whether a text has no half of a surrogate pair, which UTF-8 cannot say. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

/** The first names of a list, and how many more there are: a message of thousands is none. */
export function few(names: readonly string[], most: number): string {
  const shown = names.slice(0, most).join(', ')
  const more = names.length - most
  return more > 0 ? `${shown} and ${more} more` : shown
}

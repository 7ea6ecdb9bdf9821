/** Of open tensors those of the model, under the names that they have without wrappers. */
import type { StoredTensors } from './safetensors/safetensors.js'
import { ambiguous, unknownKey } from './several.js'
import { withoutWrappers } from './wrappers.js'

/**
 * @param key the beginning of their names, without the dot, where a flat file holds several models' tensors
 * @throws ClipwrightError ERR_MISMATCH when there are several that could be it, ERR_INVALID_ARGUMENT for a key that is none
 */
export function unwrapped(tensors: StoredTensors, key: string | undefined): StoredTensors {
  const names = key === undefined ? withoutWrappers(tensors.entries.keys()) : under(tensors, key)
  const models = key === undefined ? copies(names.keys()) : []
  if (models.length > 1) throw ambiguous(tensors.path, models)
  const entries = new Map([...names].map(([own, stored]) => [own, tensors.entries.get(stored)!]))
  return {
    path: tensors.path,
    entries,
    metadata: tensors.metadata,
    ...(tensors.placeholders && { placeholders: tensors.placeholders }),
    read: (name) => tensors.read(names.get(name) ?? name),
    pieces: (name) => tensors.pieces(names.get(name) ?? name),
    place: (name) => tensors.place(names.get(name) ?? name),
    close: () => tensors.close(),
  }
}

function under({ path, entries }: StoredTensors, key: string): Map<string, string> {
  const prefix = `${key}.`
  const stored = [...entries.keys()].filter((name) => name.startsWith(prefix))
  if (stored.length === 0) throw unknownKey(path, key, copies(entries.keys()))
  const own = withoutWrappers(stored.map((name) => name.slice(prefix.length)))
  return new Map([...own].map(([name, inner]) => [name, prefix + inner]))
}

/** First parts of names under which the same names follow: copies of one model, such as a teacher and a student. */
function copies(names: Iterable<string>): string[] {
  const rests = new Map<string, string[]>()
  for (const name of names) {
    const dot = name.indexOf('.')
    const first = dot < 0 ? '' : name.slice(0, dot)
    const rest = rests.get(first) ?? []
    rests.set(first, rest)
    rest.push(name.slice(dot + 1))
  }
  const groups = [...rests].map(([first, list]) => [first, list.sort().join('\n'), list.length] as const)
  const alike = groups.filter(
    ([first, list, count]) =>
      first !== '' && count > MANY && groups.some(([other, same]) => other !== first && same === list),
  )
  return alike.map(([first]) => first)
}

/** Two norms have the same names, too; two models have more. */
const MANY = 8

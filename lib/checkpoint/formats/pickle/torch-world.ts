/** What a pickle of PyTorch finds outside of itself: known globals, and storages by their keys. */
import { isSize } from '../../../base/arrays.js'
import { ClipwrightError } from '../../../base/errors.js'
import { formatError } from '../weight-file.js'
import { isHarmless } from './harmless-globals.js'
import type { World } from './machine.js'
import { torchGlobal } from './torch-globals.js'
import { Placeholder, Storage, StorageType, Tuple, type Value } from './values.js'

/** `placeholders`: in place of globals that the pickle has named and that are not known, by their names. */
export type TorchWorld = World & { placeholders: ReadonlyMap<string, Placeholder> }

/** @param path the file, for messages */
export function torchWorld(path: string): TorchWorld {
  const placeholders = new Map<string, Placeholder>()
  const malformed = (problem: string, cause?: unknown) => formatError('PyTorch', path, problem, cause)
  const unsafe = (wanted: string) => unsafeError(path, wanted)
  return {
    malformed,
    unsafe,
    placeholders,
    global(module, name) {
      const found = torchGlobal(module, name)
      if (found !== undefined) return found
      const full = `${module}.${name}`
      const placeholder = placeholders.get(full) ?? new Placeholder(full, isHarmless(module, name))
      placeholders.set(full, placeholder)
      return placeholder
    },
    persistent(id) {
      const storage = id instanceof Tuple ? storageOf(id.items) : undefined
      if (!storage) throw malformed('its pickle refers to something outside of it that is no storage of a tensor')
      return storage
    },
  }
}

function unsafeError(path: string, wanted: string): ClipwrightError {
  return new ClipwrightError(
    'ERR_UNSAFE',
    `${path} asks for ${wanted}, which only running code could give, so nothing of it was loaded; save the tensors alone, as torch.save(model.state_dict(), path) does.`,
  )
}

/** ('storage', class, key, device, number of elements), in old streams followed by (key, offset, elements) of a view. */
function storageOf([kind, type, key, device, elements, view]: readonly Value[]): Storage | undefined {
  if (kind !== 'storage' || !(type instanceof StorageType) || typeof device !== 'string') return undefined
  if (typeof key !== 'string' || !isSize(elements)) return undefined
  const whole = { offset: 0, elements }
  if (view === undefined || view === null) return new Storage(key, type, elements, whole)
  const [, offset, count] = view instanceof Tuple ? view.items : []
  if (!isSize(offset) || !isSize(count) || offset + count > elements) return undefined
  return new Storage(key, type, elements, { offset, elements: count })
}

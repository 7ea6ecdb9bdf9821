/** What Chinese-CLIP pickles for each pair: (image_id, text_id, text). Nothing is looked up or run. */
import { ClipwrightError } from '../../base/errors.js'
import { Budget } from '../../checkpoint/formats/pickle/budget.js'
import type { World } from '../../checkpoint/formats/pickle/machine.js'
import { unpickle } from '../../checkpoint/formats/pickle/unpickle.js'
import { Tuple, type Value } from '../../checkpoint/formats/pickle/values.js'

export type PickledPair = { imageId: string; textId: string; text: string }

/** @throws ClipwrightError ERR_FORMAT, ERR_UNSAFE */
export function pairOf(bytes: Buffer, where: string): PickledPair {
  const malformed = (problem: string, cause?: unknown) =>
    new ClipwrightError('ERR_FORMAT', `${where}: ${problem}`, { cause })
  const none = (): never => {
    throw malformed('expected a pickle of (image_id, text_id, text)')
  }
  const world: World = {
    global: none,
    persistent: none,
    malformed,
    unsafe: (wanted) =>
      new ClipwrightError('ERR_UNSAFE', `${where} asks for ${wanted}, which only running code could give`),
  }
  let value: Value
  try {
    value = unpickle(bytes, world, new Budget(bytes.length, (problem) => malformed(problem))).value
  } catch (cause) {
    if (cause instanceof ClipwrightError) throw cause
    throw malformed('its pickle ends before it is complete', cause)
  }
  const [imageId, textId, text] = value instanceof Tuple ? value.items : []
  const isId = (id: Value | undefined) => typeof id === 'string' || typeof id === 'number' || typeof id === 'bigint'
  if (!isId(imageId) || !isId(textId) || typeof text !== 'string') return none()
  if (text.trim() === '') throw malformed('the caption is empty')
  return { imageId: String(imageId), textId: String(textId), text }
}

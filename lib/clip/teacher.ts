/** What a teacher makes of a batch, on its way into the core. */
import { requireArray, requireFinite, requireShape } from '../base/arrays.js'
import { invalid } from '../base/errors.js'
import { show } from '../base/options.js'
import type { Tensor } from '../base/types.js'
import type { NativeTeacher } from '../native/batch.js'

/** Features of length 1 of the batch's pictures and captions, and the teacher's scale (`Clip.logitScale`). */
export type TeacherFeatures = { images: Tensor; texts: Tensor; logitScale: number }

/** @throws ClipwrightError ERR_INVALID_ARGUMENT unless there is a row for each pair, as wide in both */
export function nativeTeacher(given: TeacherFeatures, count: number, where: string): NativeTeacher {
  const { images, texts, logitScale } = Object(given) as Partial<TeacherFeatures>
  const [, dim] = requireShape(Object(images).shape, [count, null], `${where}.images.shape`, '[n, dim]') as [
    number,
    number,
  ]
  requireShape(Object(texts).shape, [count, dim], `${where}.texts.shape`, '[n, dim]')
  if (typeof logitScale !== 'number' || !(logitScale > 0) || logitScale === Number.POSITIVE_INFINITY) {
    throw invalid(`${where}.logitScale: expected a number above 0, got ${show(logitScale)}`)
  }
  const data = (tensor: Tensor, name: string) => {
    const values = requireArray(tensor.data, 'Float32Array', count * dim, `${where}.${name}.data`)
    requireFinite(values, `${where}.${name}.data`)
    return values
  }
  return {
    image: data(images as Tensor, 'images'),
    text: data(texts as Tensor, 'texts'),
    dim,
    logitScale: Math.log(logitScale),
  }
}

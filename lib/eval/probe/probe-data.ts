/** Features with the classes that they belong to. */
import { requireArray, requireFinite } from '../../base/arrays.js'
import { isArray } from '../../base/brands.js'
import { ClipwrightError, invalid } from '../../base/errors.js'
import { show } from '../../base/options.js'
import { Draws, Stream } from '../../base/random.js'
import { some } from '../../base/shorten.js'
import type { Tensor } from '../../base/types.js'
import type { Clip } from '../../clip/clip.js'
import { type EncodeProgress, progressOf } from '../../clip/encode-progress.js'
import { requireFiniteFeatures } from '../../clip/finite-features.js'
import { readClassFolders } from '../../data/class-folders.js'
import { checkMatrix } from '../matrix.js'
import type { Labelled } from './logistic.js'

/** Features [n, dim] and the class of each: numbers or names. */
export type LabelledFeatures = { features: Tensor; labels: Int32Array | readonly (number | string)[] }

/** Features that are there already, or a folder with a folder of pictures for each class, which a model encodes. */
export type ProbeData = LabelledFeatures | string

export type Named = { features: Tensor; names: string[] }

export type EncodeFolder = {
  batchSize: number
  normalize: boolean
  signal?: AbortSignal | undefined
  onProgress?: ((progress: EncodeProgress) => void) | undefined
}

/**
 * Features with their classes' names.
 * @param clip encodes folders
 * @param where what they are, for messages
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, and what reading and encoding a folder throws
 */
export async function namedFeatures(
  data: ProbeData,
  clip: Clip | undefined,
  where: string,
  o: EncodeFolder,
): Promise<Named> {
  if (typeof data !== 'string') return given(data, where)
  const { classes } = await readClassFolders(data)
  const { onProgress, ...encode } = o
  const images = classes.flatMap((one) => one.images)
  const features = await clip!.encodeImages(images, { ...encode, ...progressOf('images', onProgress) })
  requireFiniteFeatures(features, 'the model')
  return { features, names: classes.flatMap(({ folder, images }) => images.map(() => folder)) }
}

function given(data: LabelledFeatures, where: string): Named {
  const { features, labels } = Object(data) as Partial<LabelledFeatures>
  if (features === undefined || labels === undefined) {
    throw invalid(`linearProbe: ${where}: expected a folder's path, or { features, labels }, got ${show(data)}`)
  }
  checkMatrix(features, `linearProbe: ${where}.features`, '[n, dim]')
  requireFinite(features.data, `linearProbe: ${where}.features`)
  const n = features.shape[0]!
  const isList = Array.isArray(labels) && labels.every((label) => typeof label === 'string' || Number.isInteger(label))
  if (!isList && !isArray(labels, 'Int32Array')) {
    throw invalid(`linearProbe: ${where}.labels: expected an Int32Array, or a list of numbers or names`)
  }
  if (isArray(labels, 'Int32Array')) requireArray(labels, 'Int32Array', n, `linearProbe: ${where}.labels`)
  else if (labels.length !== n) {
    throw invalid(`linearProbe: ${where}.labels: expected ${n} of them, one for each feature, got ${labels.length}`)
  }
  return { features, names: Array.from(labels as ArrayLike<number | string>, String) }
}

/** Classes in the order of their numbers, or else of their names. */
export function classesOf({ names }: Named): string[] {
  const all = [...new Set(names)]
  const areNumbers = all.every((name) => /^-?\d+$/.test(name))
  return areNumbers ? all.sort((a, b) => Number(a) - Number(b)) : all.sort()
}

/** @throws ClipwrightError ERR_DATA naming classes that nothing was learned of */
export function labelled({ features, names }: Named, classes: readonly string[], where: string): Labelled {
  const indices = new Map(classes.map((name, i) => [name, i]))
  const unknown = [...new Set(names.filter((name) => !indices.has(name)))]
  if (unknown.length > 0) {
    throw new ClipwrightError(
      'ERR_DATA',
      `linearProbe: ${where} has classes that the training data have not: ${some(unknown)}.`,
    )
  }
  return { features, labels: Int32Array.from(names, (name) => indices.get(name)!) }
}

/**
 * As many rows of each class, drawn without replacement by (seed, shots, class).
 * @throws ClipwrightError ERR_DATA naming classes that have fewer
 */
export function fewShots({ features, labels }: Labelled, classes: readonly string[], shots: number, seed: number) {
  const rows = classes.map((): number[] => [])
  for (const [row, label] of labels.entries()) rows[label]!.push(row)
  const short = classes.filter((_, c) => rows[c]!.length < shots)
  if (short.length > 0) {
    throw new ClipwrightError(
      'ERR_DATA',
      `linearProbe: ${some(short)} ${short.length === 1 ? 'has' : 'have'} fewer than ${shots} pictures to learn from; ask for fewer shots.`,
    )
  }
  const chosen = rows.flatMap((own, c) => {
    const draws = new Draws(seed, Stream.shots, shots, c)
    for (let i = 0; i < shots; i++) {
      const other = i + draws.below(own.length - i)
      ;[own[i], own[other]] = [own[other]!, own[i]!]
    }
    return own.slice(0, shots).sort((a, b) => a - b)
  })
  return takeRows({ features, labels }, chosen)
}

function takeRows({ features, labels }: Labelled, rows: readonly number[]): Labelled {
  const d = features.shape[1]!
  const data = new Float32Array(rows.length * d)
  for (const [i, row] of rows.entries()) data.set(features.data.subarray(row * d, (row + 1) * d), i * d)
  return { features: { shape: [rows.length, d], data }, labels: Int32Array.from(rows, (row) => labels[row]!) }
}

/** One below the other. */
export function joined(a: Labelled, b: Labelled): Labelled {
  const [n, d] = a.features.shape as [number, number]
  const data = new Float32Array(a.features.data.length + b.features.data.length)
  data.set(a.features.data)
  data.set(b.features.data, a.features.data.length)
  const labels = new Int32Array(a.labels.length + b.labels.length)
  labels.set(a.labels)
  labels.set(b.labels, a.labels.length)
  return { features: { shape: [n + b.features.shape[0]!, d], data }, labels }
}

/** How well classes can be told from frozen features by a linear classifier (https://arxiv.org/abs/2103.00020, A.3). */
import { z } from 'zod'
import { invalid } from '../../base/errors.js'
import { parseOptions } from '../../base/options.js'
import type { Tensor } from '../../base/types.js'
import { Clip } from '../../clip/clip.js'
import type { EncodeProgress } from '../../clip/encode-progress.js'
import { callback, encodeShape } from '../../clip/encode-shape.js'
import type { LoadOptions } from '../../clip/open-options.js'
import { loadToEncode } from '../../clip/with-model.js'
import { fitLogistic, type Labelled, type LinearModel, predictClasses } from './logistic.js'
import { classesOf, fewShots, joined, labelled, type Named, namedFeatures, type ProbeData } from './probe-data.js'
import { sweepL2 } from './sweep.js'

/** What is learned from, and how. */
export type ProbeOptions = {
  /** Encodes data that are given as folders: a model, or the path of one, which is then loaded and disposed afterwards. */
  model?: Clip | string
  /**
   * What the result is measured on, by a probe of the training and the validation data together. Without it the result is
   * that on the validation data, by which `l2` was chosen, and so a little too good.
   */
  test?: ProbeData
  /** Instead of the sweep. */
  l2?: number
  /** Learns from this many of each class, drawn by `seed`; of several numbers each is measured besides all the data. */
  shots?: number | readonly number[]
  /** Draws what few shots learn from; 0 by default. */
  seed?: number
  /** Of L-BFGS for each fit; 1000 by default. */
  maxIterations?: number
  /** A fit ends where no element of the gradient is larger; 1e-4 by default, as in scikit-learn. */
  tolerance?: number
  /** Whether features of folders have length 1; false by default, as in OpenAI's example. */
  normalize?: boolean
  /** Pictures at a time; 64 by default. */
  batchSize?: number
  /** Is told at the start and after each batch how far the encoding is. */
  onProgress?: (progress: EncodeProgress) => void
  /** Rejects with `signal.reason`. */
  signal?: AbortSignal
  /** How a model that is given as a path is loaded. */
  load?: LoadOptions
}

/** A probe of so many shots of each class. */
export type FewShotResult = { shots: number; top1: number; meanPerClass: number; l2: number }

/** How well it went, in percent, and the classifier. */
export type ProbeResult = {
  /** Share of the pictures whose class was told. */
  top1: number
  /** Mean of that share over the classes that are there. */
  meanPerClass: number
  /** λ of Σᵢ lossᵢ + λ/2 ‖W‖²: 1 / C in scikit-learn. */
  l2: number
  /** What it was measured on. */
  on: 'val' | 'test'
  /** What the sweep tried, and the accuracy on the validation data; empty where `l2` was given. */
  tried: { l2: number; top1: number }[]
  /** Whether the last fit came to an end within its iterations. */
  converged: boolean
  iterations: number
  /** How many there are. */
  images: { train: number; val: number; test?: number }
  /** With several `shots`. */
  fewShot?: FewShotResult[]
  /** Names, in the order of the weights' rows. */
  classes: string[]
  /** The classifier: scores are weights [classes, dim] · feature + bias [classes]. */
  weights: Tensor
  bias: Tensor
}

const shotsSchema = z.int().min(1)
const schema = z.strictObject({
  model: z.custom<Clip | string>((value) => typeof value === 'string' || value instanceof Clip).optional(),
  test: z.custom<ProbeData>().optional(),
  l2: z.number().positive().optional(),
  shots: z
    .union([shotsSchema, z.array(shotsSchema).min(1)], { error: () => 'expected a number from 1 up, or several' })
    .optional(),
  seed: z.int().min(0).default(0),
  maxIterations: z.int().min(1).default(1000),
  tolerance: z.number().positive().default(1e-4),
  normalize: z.boolean().default(false),
  batchSize: encodeShape.batchSize,
  onProgress: callback<NonNullable<ProbeOptions['onProgress']>>(),
  signal: encodeShape.signal,
  load: z.custom<LoadOptions>().optional(),
})

type Parsed = z.output<typeof schema>
type Data = { train: Labelled; val: Labelled; test: Labelled | undefined; classes: string[] }

/**
 * Multinomial logistic regression on frozen features, by L-BFGS in double precision. The regularisation is the best on the
 * validation data in 96 logarithmic steps from 1e-6 to 1e6, by CLIP's binary search. Runs on this thread, which has its turn in
 * between: a fit takes some 4 · pictures · classes · dim operations in each of a hundred or so iterations, about 1.5 billion
 * of them a second, so 10,000 features of 512 numbers in 100 classes take a minute or two for each of some 13 values.
 * @param train what is learned from. Features that are given must not be changed before the promise settles
 * @param val chooses the regularisation
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_DATA naming classes that are missing or too small, what reading folders and
 *   encoding throws; `signal.reason` when aborted
 *
 * @example
 * const { top1, l2 } = await linearProbe('pets/train', 'pets/val', { model: 'my-clip', test: 'pets/test' })
 */
export async function linearProbe(train: ProbeData, val: ProbeData, options: ProbeOptions = {}): Promise<ProbeResult> {
  const o = parseOptions(schema, options, 'linearProbe')
  const data = await dataOf({ train, val, test: o.test }, o)
  const { shots } = o
  const first = typeof shots === 'number' ? fewShots(data.train, data.classes, shots, o.seed) : data.train
  const found = await probe({ ...data, train: first }, o)
  const { model, ...result } = found
  const fewShot: FewShotResult[] = []
  for (const count of Array.isArray(shots) ? (shots as number[]) : []) {
    const few = await probe({ ...data, train: fewShots(data.train, data.classes, count, o.seed) }, o)
    fewShot.push({ shots: count, top1: few.top1, meanPerClass: few.meanPerClass, l2: few.l2 })
  }
  const [classes, d] = [data.classes.length, data.train.features.shape[1]!]
  return {
    ...result,
    ...(Array.isArray(shots) && { fewShot }),
    classes: data.classes,
    weights: { shape: [classes, d], data: Float32Array.from(model.weights) },
    bias: { shape: [classes], data: Float32Array.from(model.bias) },
  }
}

async function dataOf(
  given: { train: ProbeData; val: ProbeData; test: ProbeData | undefined },
  o: Parsed,
): Promise<Data> {
  const isFolder = Object.values(given).some((one) => typeof one === 'string')
  if (isFolder && o.model === undefined) {
    throw invalid(
      'linearProbe: option "model": expected a Clip or the path of one, to encode folders with, got nothing',
    )
  }
  const named = await encodeAll(given, o)
  const classes = classesOf(named.train)
  if (classes.length < 2) throw invalid(`linearProbe: expected at least two classes to learn, got ${classes.length}`)
  const dim = named.train.features.shape[1]!
  for (const [where, one] of Object.entries(named)) {
    if (one && one.features.shape[1] !== dim) {
      throw invalid(
        `linearProbe: ${where} has features of ${one.features.shape[1]} numbers, the training data of ${dim}`,
      )
    }
  }
  return {
    train: labelled(named.train, classes, 'train'),
    val: labelled(named.val, classes, 'val'),
    test: named.test && labelled(named.test, classes, 'test'),
    classes,
  }
}

async function encodeAll(
  { train, val, test }: { train: ProbeData; val: ProbeData; test: ProbeData | undefined },
  { model, load, batchSize, normalize, signal, onProgress }: Parsed,
): Promise<{ train: Named; val: Named; test: Named | undefined }> {
  const clip = typeof model === 'string' ? await loadToEncode(model, load) : model
  try {
    const encode = { batchSize, normalize, signal, onProgress }
    return {
      train: await namedFeatures(train, clip, 'train', encode),
      val: await namedFeatures(val, clip, 'val', encode),
      test: test === undefined ? undefined : await namedFeatures(test, clip, 'test', encode),
    }
  } finally {
    if (typeof model === 'string') await clip?.dispose()
  }
}

async function probe({ train, val, test, classes }: Data, o: Parsed) {
  const { maxIterations, tolerance, signal } = o
  // The minimum is one and the same from anywhere; that of the value before is near.
  let last: Float64Array | undefined
  const fit = async (data: Labelled, l2: number) => {
    signal?.throwIfAborted()
    const found = await fitLogistic(data, classes.length, l2, { maxIterations, tolerance }, last, signal)
    last = found.x
    return found
  }
  const { l2, fitted, tried } = await choose(train, val, o.l2, fit)
  // CLIP's authors put the validation data back for the last fit.
  const { model, iterations, converged } = test ? await fit(joined(train, val), l2) : fitted
  return {
    ...scoresOf(test ?? val, model, classes.length),
    l2,
    on: test ? ('test' as const) : ('val' as const),
    tried,
    iterations,
    converged,
    images: { train: train.labels.length, val: val.labels.length, ...(test && { test: test.labels.length }) },
    model,
  }
}

type Fit = Awaited<ReturnType<typeof fitLogistic>>

async function choose(
  train: Labelled,
  val: Labelled,
  given: number | undefined,
  fit: (data: Labelled, l2: number) => Promise<Fit>,
): Promise<{ l2: number; fitted: Fit; tried: { l2: number; top1: number }[] }> {
  if (given !== undefined) return { l2: given, fitted: await fit(train, given), tried: [] }
  const { best, tried } = await sweepL2(async (l2) => {
    const result = await fit(train, l2)
    return { score: scoresOf(val, result.model, result.model.bias.length).top1, result }
  })
  return { l2: best.l2, fitted: best.result, tried: tried.map((one) => ({ l2: one.l2, top1: one.score })) }
}

/** In percent. */
function scoresOf({ features, labels }: Labelled, model: LinearModel, classes: number) {
  const found = predictClasses(features, model)
  const [asked, right] = [new Int32Array(classes), new Int32Array(classes)]
  for (const [i, label] of labels.entries()) {
    asked[label]!++
    if (found[i] === label) right[label]!++
  }
  const shares = Array.from(right, (count, c) => count / asked[c]!).filter((share) => !Number.isNaN(share))
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
  return { top1: (100 * right.reduce((a, b) => a + b, 0)) / labels.length, meanPerClass: 100 * mean(shares) }
}

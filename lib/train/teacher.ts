/** The model that a run's own model learns from: it only looks, at the same pictures and captions. */
import { ClipwrightError } from '../base/errors.js'
import { optionName } from '../base/option-names.js'
import type { Pixels } from '../base/types.js'
import { Clip } from '../clip/clip.js'
import { type ModelSession, sessionOf } from '../clip/session.js'
import type { TeacherFeatures } from '../clip/teacher.js'
import { hubOf } from '../hub/options.js'
import { describeTokenizer } from '../tokenizer/choice.js'
import type { Settings } from './options/options.js'

export class Teacher {
  readonly #clip: Clip
  readonly #logitScale: number
  #batchSize: number

  private constructor(clip: Clip, logitScale: number, batchSize: number) {
    this.#clip = clip
    this.#logitScale = logitScale
    this.#batchSize = batchSize
  }

  /** What it takes memory in. */
  get session(): ModelSession {
    return sessionOf(this.#clip, 'train')
  }

  /** Pairs that pass through its towers at a time. */
  encodeAtOnce(pairs: number): void {
    this.#batchSize = pairs
  }

  /**
   * @param student its device and precision are the teacher's, too
   * @throws ClipwrightError what `Clip.load` throws; ERR_MISMATCH naming what the two have different that must be alike
   */
  static async open(settings: Settings, student: Clip): Promise<Teacher | undefined> {
    const { distill, distillPretrained: pretrained, threads, batchSize } = settings
    if (distill === undefined) return undefined
    const { device, precision } = student
    const clip = await Clip.load(distill, {
      device: device as NonNullable<Settings['device']>,
      precision,
      trainable: false,
      ...(threads !== undefined && { threads }),
      ...(pretrained !== undefined && { pretrained }),
      ...hubOf(settings),
    })
    try {
      requireAlike(student, clip, settings)
      return new Teacher(clip, await clip.logitScale(), batchSize)
    } catch (error) {
      await clip.dispose()
      throw error
    }
  }

  /** How its pictures are made, where those of the student are of another size. */
  pictures(student: Clip): Clip['preprocess'] | undefined {
    const { preprocess } = this.#clip
    return preprocess.size === student.preprocess.size ? undefined : preprocess
  }

  /** Without activations or gradients. Pictures are bytes, which each model normalises as its own weights want them. */
  async features(pixels: Pixels, captions: string[]): Promise<TeacherFeatures> {
    const o = { batchSize: this.#batchSize }
    const [images, texts] = await Promise.all([this.#clip.encodeImages(pixels, o), this.#clip.encodeTexts(captions, o)])
    return { images, texts, logitScale: this.#logitScale }
  }

  dispose(): Promise<void> {
    return this.#clip.dispose()
  }
}

function requireAlike(student: Clip, teacher: Clip, { distill, distillKind }: Settings): void {
  const different: string[] = []
  const kindOf = ({ tokenizer }: Clip) => describeTokenizer(tokenizer, 0)
  if (kindOf(student) !== kindOf(teacher)) {
    const shown = (clip: Clip) => (JSON.parse(kindOf(clip)) as { type: string; vocab?: string }).type
    different.push(`another tokenizer (the student's is "${shown(student)}", the teacher's "${shown(teacher)}")`)
  }
  const [own, its] = [student.config.embed_dim, teacher.config.embed_dim]
  if (distillKind === 'features' && own !== its) {
    different.push(
      `another embed_dim (the student's is ${own}, the teacher's ${its}; ${optionName('distillKind', 'distillKind')} "logits" takes any)`,
    )
  }
  if (different.length === 0) return
  throw new ClipwrightError(
    'ERR_MISMATCH',
    `train: ${optionName('distill')}: ${distill} cannot teach this model, which has ${different.join(' and ')}.`,
  )
}

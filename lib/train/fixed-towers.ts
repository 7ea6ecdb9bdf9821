/** Towers that make the same features of the same input in every step of a run, and by what those are known again. */
import { createHash } from 'node:crypto'
import { packageVersion } from '../base/version.js'
import type { Clip } from '../clip/clip.js'
import { sessionOf } from '../clip/session.js'
import { augmentOptions } from '../image/augment-options.js'
import { depthsOf, type Tower } from '../optim/depths.js'
import type { Settings } from './options/options.js'

/** Those that learn nothing. */
export function lockedTowers(clip: Clip): Tower[] {
  const session = sessionOf(clip, 'train')
  const depths = depthsOf(session.own.map(({ name }) => name))
  const adapted = new Set(session.adapters?.parameters)
  const learns = (tower: Tower) =>
    depths.some((depth, i) => depth?.tower === tower && (session.isTrainable(i) || adapted.has(i)))
  return (['image', 'text'] as const).filter((tower) => !learns(tower))
}

/** Those of them whose input is not drawn in training: pictures without augmentation, captions without dropout. */
export function fixedTowers(clip: Clip, { augment, distill }: Pick<Settings, 'augment' | 'distill'>): Tower[] {
  const { bert } = sessionOf(clip, 'train').model.text
  const draws: Record<Tower, boolean> = {
    // A teacher looks at the pictures in each step.
    image:
      augmentOptions(augment) !== undefined || (clip.config.vision_cfg.patch_dropout ?? 0) > 0 || distill !== undefined,
    text: bert !== undefined && bert.hiddenDropout + bert.attentionDropout > 0,
  }
  return lockedTowers(clip).filter((tower) => !draws[tower])
}

/** All that decides a tower's features but its input: weights, configuration, preprocessing, precision, and who computes. */
export async function identityOf(clip: Clip, tower: Tower): Promise<string> {
  const { config, preprocess, precision, device } = clip
  const weights = await digestOfWeights(clip, tower)
  const clipwright = packageVersion()
  return JSON.stringify({
    clipwright,
    tower,
    weights,
    config,
    precision,
    device,
    ...(tower === 'image' && { preprocess }),
  })
}

async function digestOfWeights(clip: Clip, tower: Tower): Promise<string> {
  const session = sessionOf(clip, 'train')
  const hash = createHash('sha256')
  for (const [index, depth] of depthsOf(session.own.map(({ name }) => name)).entries()) {
    if (depth?.tower !== tower) continue
    const { buffer, byteOffset, byteLength } = await session.call((native) => native.read({ index, slot: 'value' }))
    hash.update(session.own[index]!.name).update(new Uint8Array(buffer, byteOffset, byteLength))
  }
  return hash.digest('hex')
}

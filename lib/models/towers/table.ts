/** The kinds of towers, the more particular first: a further kind is a file beside this one, and a row. */
import type { TextConfig, VisionConfig } from '../model-config.js'
import { bert } from './bert.js'
import { causal } from './causal.js'
import { eva } from './eva.js'
import { siglip } from './siglip.js'
import type { ImageTower, TextTower } from './tower.js'
import { vit } from './vit.js'

const IMAGE_TOWERS = [siglip, eva, vit]
const TEXT_TOWERS = [bert, causal]

/** The tower that a `vision_cfg` describes, whether it is well described or not. */
export function imageTower(vision: unknown): ImageTower<VisionConfig> {
  // A row is given only what it says is its own.
  return IMAGE_TOWERS.find((tower) => tower.is(vision)) as ImageTower<VisionConfig>
}

/** The tower that a `text_cfg` describes, whether it is well described or not. */
export function textTower(text: unknown): TextTower<TextConfig> {
  // A row is given only what it says is its own.
  return TEXT_TOWERS.find((tower) => tower.is(text)) as TextTower<TextConfig>
}

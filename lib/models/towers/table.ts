/** The kinds of towers, the more particular first: a further kind is a file beside this one, and a row. */
import { type BertTextConfig, bert } from './bert.js'
import { type CausalTextConfig, causal } from './causal.js'
import { type SiglipConfig, siglip } from './siglip.js'
import type { ImageTower, TextTower } from './tower.js'
import { type VitConfig, vit } from './vit.js'

const IMAGE_TOWERS = [siglip, vit]
const TEXT_TOWERS = [bert, causal]

/** One of them, where keys of the others can be read but not given. */
export type VisionConfig = Exclusive<VitConfig | SiglipConfig>
/** One of them, where keys of the others can be read but not given. */
export type TextConfig = Exclusive<BertTextConfig | CausalTextConfig>

type KeysOf<Union> = Union extends unknown ? keyof Union : never
type Exclusive<Union, All = Union> = Union extends unknown
  ? Union & { [K in Exclude<KeysOf<All>, keyof Union>]?: never }
  : never

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

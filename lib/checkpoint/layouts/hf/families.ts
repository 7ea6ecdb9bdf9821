/** The classes of transformers whose folders are read and written; the first that has a form for a model is it. */
import { chineseClip } from './chinese-clip/family.js'
import { clip } from './clip/family.js'
import type { HfFamily } from './family.js'
import { siglip } from './siglip/family.js'

export const HF_FAMILIES: readonly HfFamily[] = [clip, chineseClip, siglip]

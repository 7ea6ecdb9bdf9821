import type { ReadLayout } from '../layout.js'
import { needsBert } from '../refusals.js'
import { chineseClipNames } from './names.js'

/** https://github.com/OFA-Sys/Chinese-CLIP, as its own weights are published. Only read. */
export const chineseClip: ReadLayout = { id: 'chinese-clip', names: chineseClipNames, refuses: needsBert }

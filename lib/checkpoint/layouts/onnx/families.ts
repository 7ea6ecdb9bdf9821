/** What transformers.js needs to be told of a model beside its graphs: `config.json`, and how pictures and texts become input. */
import type { NativeModel } from '../../../native/model.js'
import { toChineseClip } from '../hf/chinese-clip/config.js'
import { toClip } from '../hf/clip/config.js'
import type { FileWriter } from '../hf/files.js'
import { toSiglip } from '../hf/siglip/config.js'
import type { SavedModel } from '../layout.js'
import { writeBertTokenizer, writeClipTokenizer } from './tokenizers.js'

export type Family = {
  config(model: NativeModel): object
  /** A class of transformers.js, which stops at others. */
  imageProcessor: string
  writeTokenizer(model: SavedModel, text: NativeModel['text'], write: FileWriter): Promise<void>
}

/** What its graph computes is its own affair, so that a class stands for all of a kind of text tower. */
export function familyOf({ vision, text }: NativeModel): Family {
  return vision.kind === 'siglip' && text.kind === 'causal' ? SIGLIP : FAMILIES[text.kind]
}

/** Pictures and texts are pairs or not, each for itself: transformers.js takes sigmoids of logits, and pads texts to the end. */
const SIGLIP: Family = {
  config: toSiglip,
  imageProcessor: 'SiglipImageProcessor',
  writeTokenizer: async () => {},
}

const FAMILIES: Readonly<Record<NativeModel['text']['kind'], Family>> = {
  causal: { config: toClip, imageProcessor: 'CLIPImageProcessor', writeTokenizer: writeClipTokenizer },
  bert: {
    config: toChineseClip,
    // ChineseCLIPImageProcessor, as transformers calls it, is not there.
    imageProcessor: 'ChineseCLIPFeatureExtractor',
    writeTokenizer: writeBertTokenizer,
  },
}

import type { SavedLayout } from '../layout.js'
import { HF_FAMILIES } from './families.js'
import { hfFolder, writeHfFolder } from './folder.js'

/** https://github.com/huggingface/transformers: a row for each of its classes. */
export const hf = HF_FAMILIES.map((family) => ({
  id: 'hf' as const,
  names: family.names,
  refuses: family.refuses,
  folder: hfFolder,
  write: (folder, model) => writeHfFolder(family, folder, model),
})) satisfies SavedLayout[]

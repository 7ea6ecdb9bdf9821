import type { SavedLayout } from '../layout.js'
import { needsBert, needsCustomText } from '../refusals.js'
import { customTextNames } from './custom-text-names.js'
import { openClipFolder, writeOpenClipFolder } from './folder.js'
import { openClipNames, openClipNamesOfReference } from './names.js'

const folders = { folder: openClipFolder, write: writeOpenClipFolder } as const

/** https://github.com/mlfoundations/open_clip, the more particular row first. */
export const openClip = [
  { id: 'open_clip', names: openClipNamesOfReference, refuses: needsBert, ...folders },
  { id: 'open_clip', names: customTextNames, refuses: needsCustomText, ...folders },
  { id: 'open_clip', names: openClipNames, refuses: () => undefined, ...folders },
] as const satisfies SavedLayout[]

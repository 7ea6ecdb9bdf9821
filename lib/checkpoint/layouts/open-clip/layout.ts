import type { SavedLayout } from '../layout.js'
import { openClipFolder, writeOpenClipFolder } from './folder.js'
import { openClipNames } from './names.js'

/** https://github.com/mlfoundations/open_clip */
export const openClip = {
  id: 'open_clip',
  names: openClipNames,
  refuses: () => undefined,
  folder: openClipFolder,
  write: writeOpenClipFolder,
} as const satisfies SavedLayout & { id: string }

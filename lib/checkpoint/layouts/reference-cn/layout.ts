import type { SavedLayout } from '../layout.js'
import { openClipFolder, writeOpenClipFolder } from '../open-clip/folder.js'
import { needsBert } from '../refusals.js'
import { referenceNames } from './names.js'

/** The reference's models with a BERT under `transformer.`; it has no folders of its own. */
export const referenceCn = {
  id: 'reference-cn',
  names: referenceNames,
  refuses: needsBert,
  folder: openClipFolder,
  write: writeOpenClipFolder,
} as const satisfies SavedLayout

import type { SavedLayout } from '../layout.js'
import { openClipFolder, writeOpenClipFolder } from '../open-clip/folder.js'
import { needsBert, needsOwnVit } from '../refusals.js'
import { referenceNames } from './names.js'

/** The reference's models with a BERT under `transformer.`; it has no folders of its own. */
export const referenceCn = {
  id: 'reference-cn',
  names: referenceNames,
  refuses: (config) => needsBert(config) ?? needsOwnVit(config),
  folder: openClipFolder,
  write: writeOpenClipFolder,
} as const satisfies SavedLayout & { id: string }

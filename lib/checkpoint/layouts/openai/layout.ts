import type { SavedLayout } from '../layout.js'
import { openClipFolder, writeOpenClipFolder } from '../open-clip/folder.js'
import { needsCausal, needsOwnVit } from '../refusals.js'
import { openAiNames } from './names.js'

/** https://github.com/openai/CLIP, which has no folders of its own. */
export const openAi = {
  id: 'openai',
  names: openAiNames,
  refuses: (config) => needsCausal(config) ?? needsOwnVit(config),
  folder: openClipFolder,
  write: writeOpenClipFolder,
} as const satisfies SavedLayout & { id: string }

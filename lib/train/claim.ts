/** Which files of a checkpoint's folder are the run's; what else lies beside them is somebody else's. */
import { claimOf, LEDGER_NAME, STATE_NAME } from '../checkpoint/layouts/claim.js'
import { TOKENIZER_FILES } from '../checkpoint/layouts/hf/tokenizer-files.js'
import { openClipFolder } from '../checkpoint/layouts/open-clip/folder.js'

export const CLAIM = claimOf(openClipFolder, [...TOKENIZER_FILES, STATE_NAME, LEDGER_NAME])

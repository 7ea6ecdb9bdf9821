/** Which files of a checkpoint's folder are its writer's. */
import type { Claim } from '../../files/replace-folder.js'
import type { FolderClaim } from './layout.js'
import { FOLDERS } from './table.js'

/** Where a run stands: training reads it together with the weights beside it. */
export const STATE_NAME = 'training.safetensors'
/** What each sample cost, beside it. */
export const LEDGER_NAME = 'ledger.safetensors'

/**
 * @param also names of files that are written beside the model's
 */
export function claimOf({ marker, own, reads, folders }: FolderClaim, also: readonly string[] = []): Claim {
  const read = [...FOLDERS.flatMap(({ config, weights }) => [config, ...weights]), ...reads, STATE_NAME]
  const mine = [...own, ...also]
  return { marker, own: mine, folders, disturbing: read.filter((name) => !mine.includes(name)) }
}

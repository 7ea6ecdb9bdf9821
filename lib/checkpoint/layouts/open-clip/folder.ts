/**
 * Models as open_clip keeps them: a folder with `open_clip_config.json` and `open_clip_model.safetensors`
 * (`src/open_clip/push_to_hf_hub.py`), which `open_clip.create_model('local-dir:PATH')` loads.
 */
import { join } from 'node:path'
import { writeAtomically } from '../../../files/atomic-write.js'
import { readTextFile } from '../../../files/text.js'
import type { Description } from '../../../models/description.js'
import { INDEX_SUFFIX } from '../../formats/sharded.js'
import { fileWriter } from '../hf/files.js'
import { writeTokenizerFiles } from '../hf/tokenizer-files.js'
import type { FolderFormat, SavedModel } from '../layout.js'
import { describeModel, parseDescription } from './config.js'
import { writeWeights } from './weights.js'

export const CONFIG_NAME = 'open_clip_config.json'
const WEIGHTS_NAME = 'open_clip_model.safetensors'

export const openClipFolder: FolderFormat = {
  owner: "open_clip's",
  config: CONFIG_NAME,
  weights: [WEIGHTS_NAME, WEIGHTS_NAME + INDEX_SUFFIX, 'open_clip_pytorch_model.bin'],
  marker: CONFIG_NAME,
  own: [CONFIG_NAME, WEIGHTS_NAME],
  reads: [],
  read: readOpenClipConfig,
}

/** Writes a model's files into an existing folder. The weights' metadata repeat the configuration. */
export async function writeOpenClipFolder(folder: string, model: SavedModel): Promise<void> {
  await writeAtomically(join(folder, CONFIG_NAME), (handle) => handle.writeFile(`${describeModel(model, 2)}\n`))
  await writeTokenizerFiles(model.tokenizer, fileWriter(folder))
  await writeWeights(join(folder, WEIGHTS_NAME), model, false)
}

/**
 * @throws ClipwrightError ERR_NOT_FOUND without the file, ERR_FORMAT when it is not JSON, has no `model_cfg` or one that
 *   is not a model's, ERR_UNSUPPORTED
 */
export async function readOpenClipConfig(folder: string): Promise<Description> {
  const path = join(folder, CONFIG_NAME)
  return parseDescription(await readTextFile(path, (reason) => `${path} could not be read (${reason}).`), path)
}

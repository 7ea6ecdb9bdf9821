/**
 * Models as transformers.js reads them: `onnx/vision_model.onnx`, `onnx/text_model.onnx` and `onnx/model.onnx` (with `_fp16`
 * before the dot where weights are stored so) beside `config.json`, `preprocessor_config.json` and the tokenizer's files.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ClipwrightError } from '../../../base/errors.js'
import { resolveModel } from '../../../models/resolve.js'
import { fileWriter } from '../hf/files.js'
import { HF_PREPROCESSOR_NAME, writeHfPreprocessor } from '../hf/preprocessor.js'
import { writeTokenizerFiles } from '../hf/tokenizer-files.js'
import type { FolderClaim, SavedModel } from '../layout.js'
import { familyOf } from './families.js'
import { GRAPH_NAMES, graphsOf } from './graphs.js'
import { writeModelFile } from './model-file.js'
import { checkParity, PARITY_NAME } from './parity.js'
import { TOKENIZER_FILES } from './tokenizers.js'

const CONFIG_NAME = 'config.json'
export const GRAPH_FOLDER = 'onnx'

/** What transformers.js calls types of weights, and writes behind the names of files. */
const DTYPES = { F32: { name: 'fp32', suffix: '' }, F16: { name: 'fp16', suffix: '_fp16' } } as const

export const onnxFolder: FolderClaim = {
  marker: GRAPH_FOLDER,
  own: [CONFIG_NAME, HF_PREPROCESSOR_NAME, ...TOKENIZER_FILES],
  folders: { [GRAPH_FOLDER]: /^((vision_|text_)?model(_fp16)?\.onnx(_data(_\d+)?)?|parity\.json)$/ },
  reads: [],
}

/** Writes all files into an existing folder. @throws ClipwrightError ERR_UNSUPPORTED naming what has no form there */
export async function writeOnnxFolder(folder: string, model: SavedModel): Promise<void> {
  const { dtype } = model
  if (dtype !== 'F32' && dtype !== 'F16') {
    const message = 'Layout "onnx" holds weights in fp32 or fp16, because transformers.js has no files of bf16.'
    throw new ClipwrightError('ERR_UNSUPPORTED', message)
  }
  const resolved = resolveModel(model.config, model.preprocess, 'model')
  const tensors = new Map(model.tensors)
  const graphs = graphsOf(resolved, tensors)
  const family = familyOf(resolved)
  const { name, suffix } = DTYPES[dtype]
  const write = fileWriter(folder)
  await writeHfPreprocessor(family, model.preprocess, write, 'onnx')
  if (!(await writeTokenizerFiles(model.tokenizer, write))) await family.writeTokenizer(model, resolved.text, write)
  const inner = join(folder, GRAPH_FOLDER)
  await mkdir(inner)
  const dataFiles: Record<string, number> = {}
  for (const graphName of GRAPH_NAMES) {
    const file = `${graphName}${suffix}.onnx`
    const count = await writeModelFile(inner, { name: file, graph: graphs[graphName], tensors, dtype })
    if (count > 0) dataFiles[file] = count
  }
  // What transformers.js opens where it is not told: it would look for eight-bit weights in browsers.
  const options = {
    dtype: name,
    ...(Object.keys(dataFiles).length > 0 && { use_external_data_format: dataFiles }),
  }
  await write(CONFIG_NAME, { ...family.config(resolved), 'transformers.js_config': options })
  const report = await checkParity(inner, suffix, resolved, model.probed)
  await write(join(GRAPH_FOLDER, PARITY_NAME), { dtype: name, ...report })
}

import type { WrittenLayout } from '../layout.js'
import { onnxFolder, writeOnnxFolder } from './folder.js'
import { onnxNames } from './names.js'
import { refuses } from './refuses.js'

/** What https://github.com/huggingface/transformers.js runs, in browsers and elsewhere. Only written. */
export const onnx = {
  id: 'onnx',
  names: onnxNames,
  refuses,
  folder: onnxFolder,
  write: writeOnnxFolder,
} as const satisfies WrittenLayout & { id: string }

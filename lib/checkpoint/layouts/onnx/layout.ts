import type { WrittenLayout } from '../layout.js'
import { onnxFolder, writeOnnxFolder } from './folder.js'
import { onnxNames } from './names.js'
import { probes } from './parity.js'
import { refuses } from './refuses.js'

/** What https://github.com/huggingface/transformers.js runs, in browsers and elsewhere. Only written. */
export const onnx = {
  id: 'onnx',
  names: onnxNames,
  refuses,
  folder: onnxFolder,
  probes,
  write: writeOnnxFolder,
} as const satisfies WrittenLayout & { id: string }

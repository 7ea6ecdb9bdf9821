/** Train, fine-tune, evaluate and serve CLIP models. */
export type { Batch, BatchOptions } from './batch.js'
export type { Dtype } from './checkpoint/dtypes.js'
export type { Layout } from './checkpoint/layouts.js'
export type { LoadReport } from './checkpoint/load-report.js'
export {
  readSafetensors,
  type Safetensors,
  type StoredTensor,
  type WritableTensor,
  type WriteOptions,
  writeSafetensors,
} from './checkpoint/safetensors.js'
export { Clip, type CreateOptions, type LoadOptions } from './clip.js'
export type { Precision } from './device.js'
export type { Device } from './device-name.js'
export type { EncodeOptions } from './encode.js'
export { ClipwrightError, type ErrorCode } from './errors.js'
export type { Bootstrap, RecallInterval } from './eval/bootstrap.js'
export { type RecallTable, retrievalMetrics } from './eval/metrics.js'
export type { ImageOfCaption } from './eval/relevance.js'
export { evaluateRetrieval, type RetrievalOptions, type RetrievalResult } from './eval/retrieval.js'
export type { AugmentOptions, AugmentPolicy } from './image/augment-options.js'
export { type PreprocessOptions, preprocessImage } from './image/preprocess.js'
export type { PreprocessConfig, Resize } from './image/preprocess-config.js'
export { InfoNCE, type Loss } from './losses.js'
export type { ModelConfig } from './models/config.js'
export { listModels, modelConfig } from './models/registry.js'
export type { LossScale, Optimizer, OptimizerState, ParameterGroup, StepOptions, StepResult } from './optimizer.js'
export type { OptimizerName } from './optimizer-defaults.js'
export {
  Adam,
  type AdamOptions,
  AdamW,
  type AdamWOptions,
  Lamb,
  type LambOptions,
  Lion,
  type LionOptions,
  Sgd,
  type SgdOptions,
} from './optimizers.js'
export type { Parameter } from './parameters.js'
export type { SaveOptions } from './save.js'
export { BertTokenizer, type BertTokenizerOptions } from './tokenizer/bert-tokenizer.js'
export { ClipTokenizer } from './tokenizer/clip-tokenizer.js'
export { preCaption } from './tokenizer/pre-caption.js'
export type { TokenBatch, Tokenizer } from './tokenizer/tokenizer.js'
export type { TrainEvent, TrainResult, TrainWarning } from './train/events.js'
export type { TrainOptions } from './train/options.js'
export type { PresetName } from './train/presets.js'
export { type TrainRun, train } from './train/run.js'
export type { ScheduleKind } from './train/schedule.js'
export type { ImageSource, Images, Pixels, Tensor, Tokens, TypedArray } from './types.js'

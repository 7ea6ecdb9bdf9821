/** Train, fine-tune, evaluate and use CLIP models. */

export { ClipwrightError, type ErrorCode } from './base/errors.js'
export type { ImageSource, Images, Pixels, Tensor, Tokens, TypedArray } from './base/types.js'
export { type BenchDataOptions, type BenchDataResult, benchData } from './bench/data.js'
export {
  type BenchDistOptions,
  type BenchDistResult,
  benchDist,
  type CollectiveSpeed,
  type MeasuredCollective,
} from './bench/dist.js'
export { type BenchGemmOptions, type BenchGemmResult, benchGemm, type MeasuredProduct } from './bench/gemm.js'
export { type BenchInferOptions, type BenchInferResult, benchInfer } from './bench/infer.js'
export { type BenchLossOptions, type BenchLossResult, benchLoss } from './bench/loss.js'
export {
  type BenchProfileOptions,
  type BenchProfileResult,
  benchProfile,
  type ProfiledOp,
} from './bench/profile.js'
export { type BenchStepOptions, type BenchStepResult, benchStep, type StepTraffic } from './bench/step.js'
export type { StepProduct } from './bench/step-products.js'
export { type BenchTokenizerOptions, type BenchTokenizerResult, benchTokenizer } from './bench/tokenizer.js'
export type { BenchTrainingOptions } from './bench/training.js'
export { type Conversion, type ConvertOptions, convert } from './checkpoint/convert.js'
export type { Dtype } from './checkpoint/formats/dtypes.js'
export {
  readSafetensors,
  type Safetensors,
  type StoredTensor,
  type WritableTensor,
  type WriteOptions,
  writeSafetensors,
} from './checkpoint/formats/safetensors/safetensors.js'
export { type Inspection, type InspectOptions, inspectModel, type Origin } from './checkpoint/inspect.js'
export type { Layout, SavedType } from './checkpoint/layouts/ids.js'
export type { LoadReport } from './checkpoint/load-report.js'
export type { WeightOptions } from './checkpoint/save.js'
export { createProgress, type Progress } from './cli/progress.js'
export type { Batch, BatchOptions, Groups } from './clip/batch.js'
export { Clip } from './clip/clip.js'
export type { EncodeImagesOptions, EncodeOptions, EncodeTextsOptions } from './clip/encode.js'
export { type EncodedFiles, type EncodeFilesOptions, encodeFiles } from './clip/encode-files.js'
export type { EncodeProgress } from './clip/encode-progress.js'
export { type InterpolatedWeights, type InterpolateOptions, interpolate } from './clip/interpolate.js'
export type { LoraOptions } from './clip/lora.js'
export type { CreateOptions, InitialLogits, LoadOptions } from './clip/open-options.js'
export type { Parameter } from './clip/parameters.js'
export type { SaveOptions } from './clip/save.js'
export type { SkippedImage } from './clip/skipped-images.js'
export type { TeacherFeatures } from './clip/teacher.js'
export type { CheckedData, DataReport, Found, Leaks } from './data/check.js'
export { checkDataset, type DataCheckOptions } from './data/data-check.js'
export type { ProtocolName } from './data/protocols.js'
export type { Bootstrap, RecallInterval } from './eval/bootstrap.js'
export {
  type ConvertInt8Options,
  convertToInt8,
  type Int8Conversion,
  type Int8Report,
} from './eval/convert-int8.js'
export {
  type EvaluateOptions,
  type EvaluationProtocol,
  evaluateModel,
  type ModelEvaluation,
} from './eval/evaluate-model.js'
export {
  type InterpolationSweep,
  type InterpolationSweepOptions,
  interpolationSweep,
} from './eval/interpolation-sweep.js'
export { type RecallTable, retrievalMetrics } from './eval/metrics.js'
export { type Prediction, type PredictOptions, predict } from './eval/predict.js'
export {
  type FewShotResult,
  linearProbe,
  type ProbeOptions,
  type ProbeResult,
} from './eval/probe/linear-probe.js'
export type { LabelledFeatures, ProbeData } from './eval/probe/probe-data.js'
export type { ImageOfCaption } from './eval/relevance.js'
export { evaluateRetrieval, type RetrievalOptions, type RetrievalResult } from './eval/retrieval.js'
export { similarity } from './eval/similarity.js'
export type { Accuracy, AccuracyInterval } from './eval/zero-shot/accuracy.js'
export {
  type Classification,
  Classifier,
  type ClassifyOptions,
  type ZeroShotOptions,
  zeroShotClassifier,
} from './eval/zero-shot/classifier.js'
export {
  type ClassAccuracy,
  evaluateZeroShot,
  type ZeroShotEvaluation,
  type ZeroShotEvaluationOptions,
} from './eval/zero-shot/evaluate-zero-shot.js'
export { imagenetClassNames, type TemplateSet, type Templates } from './eval/zero-shot/templates.js'
export type { HubOptions } from './hub/settings.js'
export type { AugmentOptions, AugmentPolicy } from './image/augment-options.js'
export { findImages } from './image/find-images.js'
export { type BadImage, type PreprocessOptions, preprocessImage } from './image/preprocess.js'
export type { PreprocessConfig } from './image/preprocess-config.js'
export type { Convert, Interpolation, Resize } from './image/resizes.js'
export { Distillation } from './loss/distillation.js'
export { InfoNCE } from './loss/info-nce.js'
export type { Loss } from './loss/loss.js'
export { SigLip } from './loss/siglip.js'
export type {
  BertConfig,
  BertTextConfig,
  CausalTextConfig,
  EvaConfig,
  ModelConfig,
  SiglipConfig,
  TextConfig,
  TokenizerKwargs,
  TransformerConfig,
  VisionConfig,
  VitConfig,
} from './models/model-config.js'
export { listPretrained, type Pretrained } from './models/pretrained.js'
export { listModels, modelConfig } from './models/registry.js'
export { type Memory, type ModelSummary, summarizeModel } from './models/summary.js'
export type { Device } from './native/device-name.js'
export { type Card, examineMachine, type Machine } from './native/machine.js'
export type { EncodingPrecision, Precision } from './native/names.js'
export type { OptimizerName } from './optim/defaults.js'
export type {
  LossScale,
  Optimizer,
  OptimizerState,
  ParameterGroup,
  StepOptions,
  StepResult,
} from './optim/optimizer.js'
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
} from './optim/rules.js'
export {
  type FoundPicture,
  type QueryResult,
  type ResultsPictureOptions,
  resultsPicture,
} from './report/results-picture.js'
export { missingFonts } from './report/svg.js'
export { BertTokenizer, type BertTokenizerOptions } from './tokenizer/bert-tokenizer.js'
export { ClipTokenizer } from './tokenizer/clip-tokenizer.js'
export { preCaption } from './tokenizer/pre-caption.js'
export type { TokenBatch, Tokenizer } from './tokenizer/tokenizer.js'
export type { Truncation } from './tokenizer/truncation.js'
export type { CanaryMeasure, TrainEvent, TrainResult, TrainWarning } from './train/events.js'
export type { LedgerEntry, LedgerSummary } from './train/ledger-summary.js'
export type { MemoryParts, StepShape } from './train/memory-fit.js'
export type { TrainOptions } from './train/options/options.js'
export type { PresetName } from './train/options/presets.js'
export { type MemoryPlan, type PlanOptions, planTraining } from './train/plan.js'
export { type LedgerOptions, type NamedEntry, type RunLedger, readLedger } from './train/read-ledger.js'
export { type TrainRun, train } from './train/run.js'
export type { ScheduleKind } from './train/schedule.js'

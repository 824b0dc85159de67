/**
 * Losses, networks, data, training, sweeps and detection.
 *
 * @module norm-direction-lab
 */
export { LabError, type FaultKind } from './errors';

export { startEngine, type StartOptions } from './engine/load';
export type { EngineDescription, EngineKind } from './engine/describe';
export { random, type Random } from './engine/random';

export {
  contrastiveLoss,
  contrastNormaliser,
  crossEntropyLoss,
  detachedSifnLoss,
  directionCosineLoss,
  directionInfoNceLoss,
  distLoss,
  dkdLoss,
  embeddingNorms,
  featureOverhaulLoss,
  hierarchicalContextLoss,
  hintLoss,
  kdLoss,
  naiveFeatureLoss,
  naiveNormLoss,
  normDirectionLoss,
  NormMemory,
  overhaulMargins,
  probabilisticTransferLoss,
  relationalLoss,
  sifnLoss,
  softCrossEntropyLoss,
  softmaxRegressionLoss,
  updatedMemory,
  type ContrastOptions,
  type DirectionInfoNceOptions,
  type DistOptions,
  type DkdOptions,
  type KdOptions,
  type NormChoice,
  type NormDirectionOptions,
  type RelationalOptions,
  type SifnOptions,
} from './losses';

export {
  crd,
  crossEntropy,
  defineTerm,
  directionCosine,
  directionInfoNce,
  dist,
  dkd,
  fitNet,
  kd,
  mixedNormDirection,
  naiveFeature,
  naiveNorm,
  normDirection,
  normDirectionAt,
  ofd,
  pkt,
  reviewKd,
  rkd,
  sifn,
  softCrossEntropy,
  srrl,
  tokenDistillation,
  warmUp,
  type LossTerm,
  type Method,
  type Need,
  type PartContext,
  type TermDefinition,
} from './distill/terms';
export {
  classMeansOf,
  teacherOf,
  termKind,
  type BatchSignals,
  type PlainTerm,
  type StepContext,
  type TermMaker,
  type TermPart,
} from './distill/term';
export { embeddingAdapter, type EmbeddingAdapter } from './distill/adapter';
export {
  computeClassMeans,
  computeClassMeansOver,
  readClassMeans,
  requireClassMeansOf,
  writeClassMeans,
  type ClassMeans,
  type ClassMeansOptions,
} from './distill/class-means';

export type { Directions } from './distill/terms/direction';
export { featureAt, type FeaturePlace } from './distill/term';
export {
  featureNormsOfClassMeans,
  featureNormsOfRuns,
  type FeatureNorms,
} from './runs/feature-norms';
export { sweep } from './runs/sweep/sweep';
export type { SweepOptions, SweepRecipe } from './runs/sweep/options';
export type { SweepCell, SweepDifference, SweepMeasure, SweepResult } from './runs/sweep/result';
export type { GivenTeacher } from './runs/task';
export type { Summary } from './statistics/summary';
export type { Trend } from './statistics/trend';

export {
  createModel,
  modelName,
  modelNames,
  registerModel,
  type Architecture,
  type BuildOptions,
  type KnownModel,
  type ModelName,
} from './models/registry';
export { batchNormLayer, convolutionLayer, linearLayer, type LayerContext } from './nn/layers';
export type { Model, ModelOutput, Network } from './nn/model';
export type { StateDict, StateEntry, StateTensor } from './nn/state';
export type { ForwardMode } from './nn/layers';
export { hashStateDict } from './nn/state';
export { encodePth } from './formats/pth-writer';
export { readWeights } from './formats/weights';
export { readSafetensors, writeSafetensors, type SafetensorsFile } from './formats/safetensors';

export { customSource, type CustomDataset } from './data/registry';
export {
  datasetName,
  loadDataset,
  registerDataset,
  type DatasetName,
  type LoadDatasetOptions,
} from './data/registry';
export type { DataSource, ImageDataset, ImageSplit } from './data/source';
export type { DecodedImages } from './data/batches';

export { evaluate, type Evaluation } from './train/evaluate';
export {
  inMemorySource,
  type BatchSource,
  type TrainingBatch,
  type TrainingData,
} from './train/batch-source';
export { lossAndGradients, type LossAndGradients } from './train/gradients';
export { createLearner, type Learner, type LearnerOptions, type Teacher } from './train/learner';
export {
  adamW,
  type AdamWOptions,
  createOptimiser,
  type OptimiserOptions,
  sgd,
  type Sgd,
  type SgdOptions,
} from './train/optimiser';
export type { TrainingRecipe } from './train/recipe';
export { learningRateAt, type Schedule } from './train/schedule';
export type { Optimiser } from './train/task';
export { weightAverage, type WeightAverage } from './train/weight-average';
export { trainClassifier, type ClassifierTraining } from './train/classifier';
export {
  train,
  type BatchState,
  type TrainingEvents,
  type TrainingRun,
  type TrainingTask,
} from './train/train';

export { preprocessingOf, type Preprocessing } from './data/images';

export {
  evaluateCoco,
  type CategoryResult,
  type CocoEvaluation,
  type CocoEvaluationSettings,
} from './detection/coco/evaluate';
export {
  cocoStatNames,
  precisionAt,
  type CocoCurves,
  type CocoStats,
} from './detection/coco/evaluate';
export { judgeImage, type JudgedDetection, type JudgedImage } from './detection/coco/judgement';
export { madeUpDetections } from './detection/coco/made-up';
export { readAnnotations } from './detection/coco/annotations';
export { readDetections, writeDetections } from './detection/coco/results-form';
export { loadCoco, type CocoSource } from './detection/coco/load';
export { cocoData, shapesData, type DetectionData } from './detection/coco/detection-data';
export { shapesDataset, type ShapesOptions } from './detection/coco/shapes';
export { cocoBatches, cocoEvaluationBatches } from './detection/coco/batches';
export type {
  CocoBatchOptions,
  CocoDataset,
  CocoEntry,
  DetectionBatch,
} from './detection/coco/data';
export type {
  CocoAnnotation,
  CocoAnnotations,
  CocoBox,
  CocoDetection,
} from './detection/coco/annotations';
export { createDetector, type Detector, type DetectorOptions } from './detection/detector';
export { gatherClassMeans, type DetectorClassMeans } from './detection/class-means';
export type { DetectionTeacher } from './detection/distillation';
export { reviewPyramid } from './detection/distillation';
export { detectDataset, type DetectorEvaluationOptions } from './detection/inference';
export { detectObjects, type Detections } from './detection/inference';
export { createDetectionLearner, type DetectionLearnerOptions } from './detection/learner';
export { trainDetector, type DetectorTraining } from './detection/train-detector';
export { suppressOverlaps } from './detection/non-maximum-suppression';
export { roiAlign } from './detection/roi-align';
export {
  drawDetections,
  type DetectionPanel,
  type DetectionPicture,
  type DetectionPictureOptions,
} from './report/pictures/detection-picture';
export { readPanel, type ReadPanel } from './report/pictures/read-panels';

export { LabError, type Fault, type FaultKind } from './errors';

export { startEngine, type StartOptions } from './engine/load';
export type { EngineDescription, EngineKind } from './engine/describe';
export { random, type Random } from './engine/random';

export {
  crossEntropyLoss,
  detachedSifnLoss,
  directionCosineLoss,
  directionInfoNceLoss,
  distLoss,
  dkdLoss,
  embeddingNorms,
  hierarchicalContextLoss,
  kdLoss,
  naiveNormLoss,
  normDirectionLoss,
  NormMemory,
  sifnLoss,
  type DirectionInfoNceOptions,
  type DistOptions,
  type DkdOptions,
  type KdOptions,
  type SifnOptions,
} from './losses';

export {
  crossEntropy,
  directionCosine,
  directionInfoNce,
  dist,
  dkd,
  kd,
  naiveNorm,
  normDirection,
  reviewKd,
  sifn,
  warmUp,
  type LossTerm,
  type Method,
} from './distill/terms';
export { embeddingAdapter, type EmbeddingAdapter } from './distill/adapter';
export {
  computeClassMeans,
  readClassMeans,
  requireClassMeansOf,
  writeClassMeans,
  type ClassMeans,
  type ClassMeansOptions,
} from './distill/class-means';

export { createModel, modelNames } from './models/registry';
export type { Model, ModelOutput } from './nn/model';
export type { StateDict, StateEntry, StateTensor } from './nn/state';
export type { ForwardMode } from './nn/layers';
export { hashStateDict } from './nn/hash';
export { readWeights } from './formats/weights';
export { readSafetensors, writeSafetensors, type SafetensorsFile } from './formats/safetensors';

export { loadDataset, type LoadDatasetOptions } from './data/registry';
export type { ImageDataset, ImageSplit } from './data/types';

export { evaluate, type Evaluation } from './train/evaluate';
export { lossAndGradients, type LossAndGradients } from './train/gradients';
export { createLearner, type Learner, type LearnerOptions, type Teacher } from './train/learner';
export type { TrainingRecipe } from './train/recipe';
export { learningRateAt, type Schedule } from './train/schedule';
export { sgd, type Sgd, type SgdOptions } from './train/sgd';
export { train, type TrainingEvents, type TrainingOptions } from './train/train';

export type { DecodedImages } from './assemble';
export { augmentBatch, defaultPadding, plainBatch, type ImageForm, type Uniform } from './augment';
export {
  epochOrder,
  evaluationBatches,
  trainBatchCount,
  trainingBatch,
  type Batch,
} from './batches';
export { customSource, type CustomDataset } from './custom-source';
export { dataDirectory, dataVariable } from './directory';
export { dataProgressPrinter, type DataProgress, type OnDataProgress } from './progress';
export {
  dataSources,
  findSource,
  listDatasets,
  loadDataset,
  registerDataset,
  type LoadDatasetOptions,
} from './registry';
export type { DataSource, DatasetStatus, DatasetVerification } from './source';
export type { Subset } from './subset';
export type { ImageDataset, ImageSplit } from './types';

export type { DecodedImages } from './batches';
export { augmentBatch, defaultPadding, plainBatch, type ImageForm, type Uniform } from './batches';
export { epochOrder, evaluationBatches, trainBatchCount, trainingBatch } from './batches';
export { customSource, type CustomDataset } from './registry';
export { dataDirectory, dataVariable } from './paths';
export { dataProgressPrinter, type DataProgress, type OnDataProgress } from './progress';
export {
  datasetName,
  dataSources,
  findSource,
  listDatasets,
  loadDataset,
  registerDataset,
  type DatasetName,
  type LoadDatasetOptions,
} from './registry';
export type { DataSource, DatasetStatus, DatasetVerification } from './source';
export type { Subset } from './source';
export type { ImageDataset, ImageSplit } from './source';

export { folderAugmentations } from './augmentations';
export type { FileCounts } from './check-folder';
export type { EvaluationPreprocessing } from './evaluation-crop';
export type { Normalisation } from './jobs';
export {
  folderName,
  imageFolderSource,
  imagenetNormalisation,
  type ImageFolderOptions,
  type ImageFolderSource,
} from './source';

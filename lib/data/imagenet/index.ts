export { folderAugmentations } from './augmentation';
export type { FileCounts } from './check-folder';
export type { EvaluationPreprocessing } from './decode';
export type { Normalisation } from './jobs';
export {
  folderName,
  imageFolderSource,
  imagenetNormalisation,
  type ImageFolderOptions,
  type ImageFolderSource,
} from './source';

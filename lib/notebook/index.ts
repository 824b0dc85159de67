export { show, showLive, showMarkdown, type LiveDisplay, type MimeBundle } from './display';
export { showTable, type TableLike, type TableOptions } from './table';
export { showPlot, type Figure } from './plot';
export { showPicture } from './picture';
export { showProgress, type CellProgress } from './progress';
export { trainInCell, type CellTrainingOptions } from './train';
export { trainDetectorInCell, type CellDetectionOptions } from './train-detector';
export {
  readDetectionResults,
  readFinishedDetectors,
  type DetectionResultRow,
} from './detection-results';
export {
  readEpochs,
  readPaper,
  readResults,
  type EpochRow,
  type PaperRow,
  type ResultRow,
  type ResultsOptions,
} from './results';

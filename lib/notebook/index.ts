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
export { sweepInCell, type CellSweepOptions } from './sweep';
export {
  readEpochs,
  readPaper,
  readResults,
  type EpochRow,
  type PaperRow,
  type ResultRow,
  type ResultsOptions,
} from './results';
export {
  bySetting,
  judgeClaims,
  summariseResults,
  type ClaimRow,
  type MethodRow,
  type SettingRows,
  type SummaryOptions,
} from './summary';

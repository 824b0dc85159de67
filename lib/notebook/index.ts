export { show, showLive, showMarkdown, type LiveDisplay, type MimeBundle } from './display';
export { showTable, type TableLike, type TableOptions } from './table';
export { showPlot, type Figure } from './plot';
export { showProgress, type CellProgress } from './progress';
export { trainInCell, type CellTrainingOptions } from './train';
export {
  readEpochs,
  readPaper,
  readResults,
  type EpochRow,
  type PaperRow,
  type ResultRow,
  type ResultsOptions,
} from './results';

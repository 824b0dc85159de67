/**
 * What the cells of a notebook show and read.
 *
 * @module norm-direction-lab/notebook
 */
export { show, showLive, showMarkdown, type LiveDisplay, type MimeBundle } from './table';
export { showTable, type TableLike, type TableOptions } from './table';
export { showPlot, type Figure } from './plot';
export { showPicture } from './plot';
export { showNormDirection } from './plane';
export { showProgress, type CellProgress } from './train';
export { trainInCell, type CellTrainingOptions } from './train';
export { trainDetectorInCell, type CellDetectionOptions } from './train';
export { readDetectionResults, readFinishedDetectors, type DetectionResultRow } from './results';
export { sweepInCell, type CellSweepOptions } from './train';
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
export {
  arrow,
  circle,
  curvesOf,
  inPairs,
  label,
  path,
  rectangle,
  segment,
  showCurves,
  showPlane,
  showPlanes,
  showSideBySide,
  surface,
  type Curve,
  type CurveOptions,
  type CurvePanel,
  type PlaneMark,
  type PlaneOptions,
  type PlanePanel,
  type Point,
} from './draw';
export { intervalText, showPaper, showRows, type RowsOptions } from './words';

import type { OnDataProgress } from '../../lib/data/progress';
import type { Scale } from '../../lib/results/schema';
import type { Pair } from '../../lib/study/grid';
import type { TrainingData } from '../../lib/train/batch-source';
import type { TrainingRecipe } from '../../lib/train/recipe';
import type { GridOptions } from './command';
import type { ChosenTeachers } from './teachers';

/** What a scale is unless the options say otherwise. */
export interface ScaleSettings {
  /** Undefined where the user must name them. */
  readonly data?: string;
  /** The recipe's own unless given. */
  readonly epochs?: number;
  readonly teacherEpochs?: number;
  readonly batch?: number;
  readonly learningRate?: number;
}

/** What the options settle before recipes are made. */
export interface ScopeSetting {
  readonly scale: Scale;
  readonly data: string;
  readonly pairs: readonly Pair[];
}

/**
 * What the views of one grid of runs share: their data, lengths, recipes and teachers. Runs of another
 * scope lie in folders that begin otherwise.
 */
export interface GridScope {
  /** How the folders of runs begin: `table1-`. */
  readonly prefix: string;
  /** The paper's setting in words, and the data set that it names. */
  readonly paper: { readonly words: string; readonly data: string };
  /** Whether `--list` and the beginning of a run estimate memory too. */
  readonly estimatesMemory: boolean;
  readonly scales: Readonly<Record<Scale, ScaleSettings>>;
  recipe(pair: Pair, method: string): TrainingRecipe;
  teacherRecipe(model: string): TrainingRecipe;
  /** Whether a pair has this row; cells without are left out of the grid. */
  has(pair: Pair, method: string): boolean;
  /** A recipe with another batch than its own. */
  inBatches(recipe: TrainingRecipe, batchSize: number): TrainingRecipe;
  /** A recipe as it runs on these data under these options. */
  adapted(recipe: TrainingRecipe, setting: ScopeSetting, options: GridOptions): TrainingRecipe;
  /** The data as the folder of runs names them. */
  dataLabel(setting: ScopeSetting, options: GridOptions): string;
  /** @throws LabError of kind `option` before anything is read. */
  checkData(setting: ScopeSetting, options: GridOptions): void;
  openData(
    setting: ScopeSetting,
    options: GridOptions,
    onProgress: OnDataProgress,
  ): Promise<TrainingData>;
  chooseTeachers(options: GridOptions, setting: ScopeSetting): ChosenTeachers;
}

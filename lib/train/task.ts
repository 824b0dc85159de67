import type * as tf from '@tensorflow/tfjs';
import type { StateDict, StateEntry, StateTensor } from '../nn/state';
import type { TrainingPass } from '../nn/traced';
import type { Progress, SavedState } from './checkpoint';
import type { GradientClip, Losses, Measured } from './gradients';
import type { EpochMetrics, MetricsForm } from './metrics';
import type { WeightAverage } from './weight-average';

/** What changes a fixed list of parameters, step by step. */
export interface Optimiser {
  /** Changes every parameter by one step; disposes of nothing that it is given. */
  step(gradients: readonly tf.Tensor[], learningRate: number): void;
  /** What it remembers, for checkpoints. */
  save(): Map<string, StateEntry>;
  /** @throws LabError of kind `results` when the entries are those of other parameters or another optimiser. */
  restore(entries: StateDict): void;
  /** Frees what it remembers. */
  dispose(): void;
}

/** The pieces of a step, which differ between a classifier and a detector. */
export interface Trainable<Batch, At> extends SavedState {
  /** What the losses are differentiated by and the optimiser changes: of the student, then of what helps it. */
  readonly parameters: readonly StateTensor[];
  readonly optimiser: Optimiser;
  /** Bounds the gradients' norm; undefined for no bound. */
  readonly clip: GradientClip | undefined;
  /** The running average of the student's weights, where one is kept. */
  readonly average: WeightAverage | undefined;
  /** Names of the losses' terms, in their order. */
  readonly lossNames: readonly string[];
  /** Images of a batch. */
  size(batch: Batch): number;
  /** A batch in parts that are computed one after the other; itself where it is computed at once. */
  parts(batch: Batch): readonly Batch[];
  /** Before the gradient's tape is on: the teacher, what is frozen, what runs as a TensorFlow function. */
  forward(part: Batch, at: At): ForwardPass;
  /** After each part: `kept` where what the terms remember of it counts, `stepped` after the last, with its step. */
  endPart(kept: boolean, stepped: boolean): void;
  /** For messages. */
  where(at: At): string;
}

/** A forward pass whose losses are still to come. */
export interface ForwardPass {
  /** Runs what is left of the pass, and the losses, on the gradient's tape. */
  losses(): Losses;
  /** The student's pass where it ran as a function: its gradients go through this. */
  readonly traced?: TrainingPass | undefined;
  dispose(): void;
}

/**
 * What the loop trains: `Batch` goes into a step, which is told `At` of its place; `Line` is a line of
 * metrics, made of what the losses were and what was `Tested`.
 */
export interface TrainingTask<Batch, At, Line, Tested> {
  readonly learner: Trainable<Batch, At>;
  /** A line of metrics is written after each: the epochs of a classifier, some iterations of a detector. */
  readonly periods: number;
  /** Of a whole one. */
  readonly batchesPerPeriod: number;
  /** Of all periods together. */
  readonly steps: number;
  readonly metrics: MetricsForm<Line>;
  /** The rest of a period's batches; the same ones wherever one starts. */
  batches(from: Progress): AsyncIterable<Batch>;
  /** Of the next batch. */
  learningRate(progress: Progress): number;
  /** What a step is told of its place. */
  at(progress: Progress): At;
  /** What a period ends with. */
  evaluate(): Promise<Tested>;
  /**
   * The line of metrics of a period.
   *
   * @param progress at its end
   */
  line(progress: Progress, tested: Tested): Line;
  /** `epoch 2, batch 5`: what is done, for messages. */
  place(progress: Progress): string;
}

/** What a training run is told while it goes on. */
export interface TrainingEvents<Line = EpochMetrics> {
  /** After each step. */
  readonly onBatch?: (state: BatchState) => void;
  /**
   * After each line of metrics, when it is on disk: an epoch of a classifier, some iterations of a
   * detector. The seconds are NaN where only a part of them was spent here.
   */
  readonly onEpoch?: (line: Line, seconds: number) => void;
  /** What the user should know: a resumed run, a broken checkpoint. */
  readonly onNotice?: (message: string) => void;
}

/** Where a batch stands in training. */
export interface BatchState {
  /** 1-based; of a detector the number of its line of metrics. */
  readonly epoch: number;
  readonly epochs: number;
  /** Batches done of this epoch, and its batches. */
  readonly batch: number;
  readonly batches: number;
  /** Steps done of the whole run: a detector's iterations. */
  readonly step: number;
  readonly steps: number;
  readonly learningRate: number;
  /** Sum of the losses. */
  readonly loss: number;
  /** Each with its weight in it. */
  readonly losses: Readonly<Record<string, number>>;
  readonly images: number;
  /** That the step took. */
  readonly seconds: number;
}

/** Where a run lies, and how it is kept. */
export interface TrainingRun<Line = EpochMetrics> extends TrainingEvents<Line> {
  /** The run's directory: `metrics.jsonl` and `checkpoints/` go there. */
  readonly directory: string;
  /** Of the recipe and all else that decides the run; a checkpoint of another hash is not resumed. */
  readonly recipeHash: string;
  /** Aborting it saves a checkpoint at the next batch and stops with an error of kind `interrupted`. */
  readonly signal?: AbortSignal;
  /** Called before every step and every write; throws when the run belongs to another process by now. */
  readonly assertHeld?: () => void;
  /** Seconds between two checkpoints, where nothing else causes one; 900 unless given. */
  readonly checkpointSeconds?: number;
  /** Where given, checkpoints come after so many steps rather than after each epoch. */
  readonly checkpointEvery?: number;
}

/** Where a run that has done nothing stands. */
export function initialProgress({
  lossNames,
}: {
  readonly lossNames: readonly string[];
}): Progress {
  const terms = lossNames.map(() => 0);
  const sums = { images: 0, total: 0, terms, counts: [], rates: { first: 0, last: 0 } };
  return { period: 0, batch: 0, step: 0, sums };
}

/** One batch further; its losses are still to be counted. */
export function moved({ period, batch, step, sums }: Progress, learningRate: number): Progress {
  const first = batch === 0 ? learningRate : sums.rates.first;
  const rates = { first, last: learningRate };
  return { period, batch: batch + 1, step: step + 1, sums: { ...sums, rates } };
}

/** With what a batch measured. Losses are means over it; a period's mean weighs them by their images. */
export function counted(
  { sums, ...place }: Progress,
  { total, terms, counts }: Measured,
  images: number,
): Progress {
  return {
    ...place,
    sums: {
      images: sums.images + images,
      total: sums.total + total * images,
      terms: sums.terms.map((sum, index) => sum + (terms[index] ?? NaN) * images),
      counts: Array.from(counts, (count, index) => (sums.counts[index] ?? 0) + count),
      rates: sums.rates,
    },
  };
}

/** Losses by their names; those of the same name are added up. */
export function namedLosses(
  names: readonly string[],
  values: ArrayLike<number>,
): Record<string, number> {
  const losses: Record<string, number> = {};
  names.forEach((name, index) => {
    losses[name] = (losses[name] ?? 0) + (values[index] ?? NaN);
  });
  return losses;
}

/** The means over a period's images of each loss and of their total. */
export function meanLosses(
  names: readonly string[],
  { sums: { images, terms, total } }: Progress,
): { readonly losses: Record<string, number>; readonly total: number } {
  const means = terms.map((sum) => sum / images);
  return { losses: namedLosses(names, means), total: total / images };
}

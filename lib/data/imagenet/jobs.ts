import type { BatchMix } from '../batch-source-types';
import type { EvaluationPreprocessing } from './evaluation-crop';
import type { FileReport } from './check-files';
import type { PixelCache } from './pixel-cache';

/** Per-channel mean and standard deviation by which pixels scaled to [0, 1] are normalised. */
export interface Normalisation {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** A batch of training images. */
export interface TrainingJob {
  readonly kind: 'training';
  readonly files: readonly string[];
  /** Where in the train split each image lies: with seed and epoch it names what is drawn for it. */
  readonly indices: Int32Array;
  readonly seed: number;
  readonly epoch: number;
  /** Which batch of the epoch. */
  readonly batch: number;
  readonly augmentation: string;
  /** Side of the square images. */
  readonly size: number;
  readonly normalisation: Normalisation;
  /** Holds the images of the train split from its first place on. */
  readonly cache?: PixelCache | undefined;
}

/** A batch of images as they are evaluated. */
export interface EvaluationJob {
  readonly kind: 'evaluation';
  readonly files: readonly string[];
  readonly preprocessing: EvaluationPreprocessing;
  readonly normalisation: Normalisation;
  readonly cache?: PixelCache | undefined;
  /** Where in the cache the first of the files is. */
  readonly firstPlace?: number;
}

/** Files whose headers and ends are to be looked at. */
export interface CheckJob {
  readonly kind: 'check';
  readonly files: readonly string[];
}

export type Job = TrainingJob | EvaluationJob | CheckJob;

/** What comes of each kind of job. */
export interface JobResults {
  readonly training: { readonly images: Float32Array<ArrayBuffer>; readonly mix?: BatchMix };
  readonly evaluation: { readonly images: Float32Array<ArrayBuffer> };
  readonly check: { readonly reports: readonly FileReport[] };
}

export type ResultOf<J extends Job> = JobResults[J['kind']];

/** Images and labels for one optimisation step, normalised, channels last. */
export interface TrainingBatch {
  /** `count × height × width × 3`, owned by the caller. Already mixed where `mix` is given. */
  readonly images: Float32Array;
  /** `count` class indices, of the images as they were before mixing. */
  readonly labels: Int32Array;
  /** Where in the train split each image lies. */
  readonly indices: Int32Array;
  readonly count: number;
  /** How mixup or cutmix joined the images; absent when they were left alone. */
  readonly mix?: BatchMix;
}

/**
 * Image i is `lambda[i]` parts of itself and `1 − lambda[i]` parts of row `partner[i]` of the same
 * batch: of every pixel (mixup), or of the area (cutmix). Labels and class means are to be mixed with
 * the same weights.
 */
export interface BatchMix {
  readonly partner: Int32Array;
  readonly lambda: Float32Array;
}

/** Images and labels of the test split, normalised, channels last, in the split's own order. */
export interface EvaluationBatch {
  /** `count × height × width × 3`, owned by the caller. */
  readonly images: Float32Array;
  readonly labels: Int32Array;
  readonly indices: Int32Array;
  readonly count: number;
}

/** One split of a data set whose images need not lie in memory. */
export interface SplitDescription {
  readonly count: number;
  /** The class of each image, in the split's own order. */
  readonly labels: ArrayLike<number>;
}

/** Which batches of which epoch to draw, and how. */
export interface TrainingBatchRequest {
  readonly seed: number;
  readonly epoch: number;
  /** The first batch wanted: those before it are passed over without reading their images. */
  readonly firstBatch: number;
  readonly batchSize: number;
  /** The name of the augmentation, as the recipe has it. */
  readonly augmentation: string;
}

/** What training draws its batches from: a data set in memory, or a folder that is decoded as it goes. */
export interface BatchSource {
  readonly name: string;
  readonly classes: readonly string[];
  /** Names the data, so that a run is not gone on with on others. */
  readonly hash: string;
  /** Of training images. */
  readonly height: number;
  readonly width: number;
  readonly train: SplitDescription;
  readonly test: SplitDescription;
  /** Batches of an epoch from `firstBatch` on; the same request gives the same bytes. */
  trainingBatches(at: TrainingBatchRequest): AsyncIterable<TrainingBatch>;
  evaluationBatches(at: { readonly batchSize: number }): AsyncIterable<EvaluationBatch>;
  /** What a user should know of the files: how many are of odd kinds, left out, kept in memory. */
  readonly notes?: readonly string[];
  /** Ends threads and closes files. */
  dispose?(): Promise<void>;
}

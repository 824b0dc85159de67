/** One split of an image data set, decoded: pixels as bytes, channels last. */
export interface ImageSplit {
  /** `count × height × width × 3` bytes, row-major, RGB. */
  readonly images: Uint8Array;
  /** `count` class indices. */
  readonly labels: Int32Array;
  readonly count: number;
}

/** A data set as training and evaluation see it, whatever file it came from. */
export interface ImageDataset {
  /** As the user names it: `fashion-mnist`, `cifar100`, `folder:PATH`. */
  readonly name: string;
  readonly classes: readonly string[];
  readonly height: number;
  readonly width: number;
  readonly train: ImageSplit;
  readonly test: ImageSplit;
  /** Per-channel mean and standard deviation of pixels scaled to [0, 1], used to normalise. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  /**
   * SHA-256 over shapes, class names, pixels and labels of both splits, and over the normalisation where that is
   * neither the train split's own nor the usual one of a data set of this name.
   */
  readonly hash: string;
}

import type { ImageSize } from '../boxes';
import type { CocoAnnotations, CocoCategory, CocoImage } from './annotations';

/** An image with the objects that a detector learns from. */
export interface CocoEntry extends CocoImage {
  /** `[objects × 4]`, x1 y1 x2 y2, cut at the image's edges; crowds are left out. */
  readonly boxes: Float32Array;
  /** Places in `CocoDataset.categories`. */
  readonly labels: Int32Array;
}

/** Pixels of one image, RGB, row by row. */
export interface DecodedImage extends ImageSize {
  readonly pixels: Uint8Array;
}

/** A data set in COCO's form, ready for training and evaluation. */
export interface CocoDataset {
  /** For messages and records: the folder's or file's name. */
  readonly name: string;
  /** In the order of the official numbers: label i is `categories[i]`. */
  readonly categories: readonly CocoCategory[];
  /** Their names. */
  readonly classes: readonly string[];
  /** Every image, in the file's order. */
  readonly entries: readonly CocoEntry[];
  /** Places in `entries` of the images with at least one object that is no crowd: what is trained on. */
  readonly training: Int32Array;
  /** What detections are compared with: every image, crowds included. */
  readonly groundTruth: CocoAnnotations;
  /** SHA-256 over images, categories and annotations (not over the pixels). */
  readonly hash: string;
  /** What was left out or looked odd, in words. */
  readonly notes: readonly string[];
  /** The pixels of an image, scaled to `size` where one is given. */
  readonly decode: (entry: CocoEntry, size?: ImageSize) => Promise<DecodedImage>;
}

/** How pixels become numbers: `(pixel − mean) / std` in this order of channels. */
export interface PixelForm {
  readonly order: 'bgr' | 'rgb';
  /** In the order of the channels, for pixels of 0 to 255. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** One image of a batch, as it lies in it: at the top left, zeros to its right and below. */
export interface DetectionItem {
  readonly imageId: number;
  /** After resizing, without the padding. */
  readonly height: number;
  readonly width: number;
  /** Before resizing: what detections are scaled back to. */
  readonly originalHeight: number;
  readonly originalWidth: number;
  /** `width / originalWidth` and `height / originalHeight`; they differ by rounding. */
  readonly scale: { readonly x: number; readonly y: number };
  /** [objects × 4]: x1 y1 x2 y2 in the resized (and flipped) image. */
  readonly boxes: Float32Array;
  /** Places in `CocoDataset.categories`. */
  readonly labels: Int32Array;
}

/** A batch for a detector. */
export interface DetectionBatch {
  /** [items × height × width × 3], normalised; zero where an image does not reach. */
  readonly images: Float32Array;
  /** Of the batch: a multiple of 32. */
  readonly height: number;
  readonly width: number;
  readonly items: readonly DetectionItem[];
}

/** What `cocoBatches` is asked for. */
export interface CocoBatchOptions {
  readonly seed: number;
  readonly batchSize: number;
  /** One is drawn for each image: the length of its shorter side (detectron2: 640, 672, …, 800). */
  readonly shortSides: readonly number[];
  /** No side gets longer than this (detectron2: 1333). */
  readonly longest: number;
  /** Mirror every image with probability ½. */
  readonly flip: boolean;
  readonly pixels: PixelForm;
  /** The number of the first batch given, from 0: a resumed run goes on where it stopped. */
  readonly firstBatch?: number;
  /** Batches that are decoded ahead (default 2). */
  readonly prefetch?: number;
}

/** What `cocoEvaluationBatches` is asked for. */
export type CocoEvaluationOptions = Pick<
  CocoBatchOptions,
  'batchSize' | 'longest' | 'pixels' | 'prefetch'
> & { readonly shortSide: number };

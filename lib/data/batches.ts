import { type ImagesAddOn, imagesAddOn } from '../engine/images';
import { optionError } from '../errors';
import {
  firstOfEachClass,
  type ImageDataset,
  type ImageSplit,
  nameWithSubset,
  selectRecords,
  type Subset,
} from './source';
import type { Interpolation } from './resample';
import { channelStatistics, type ChannelStatistics, hashDataset } from './statistics';

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
  /** Which view of it each image is, of `augmentedViews`; absent where there are more than can be counted. */
  readonly views?: Int32Array;
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
  /** `count × height × width × 3`, the caller's until the next batch is asked for. */
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
  /** Where an epoch's last batch is short; it is given unless told. */
  readonly lastBatch?: 'left out' | undefined;
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
  /**
   * The test images in their order.
   *
   * @param at.interpolation where images are scaled, in the place of the source's own
   */
  evaluationBatches(at: {
    readonly batchSize: number;
    readonly interpolation?: Interpolation | undefined;
  }): AsyncIterable<EvaluationBatch>;
  /** What a user should know of the files: how many are of odd kinds, left out, kept in memory. */
  readonly notes?: readonly string[];
  /** Ends threads and closes files. */
  dispose?(): Promise<void>;
}

/** Decoded images with their labels, not yet named, measured and hashed. */
export interface DecodedImages {
  readonly classes: readonly string[];
  readonly height: number;
  readonly width: number;
  readonly train: ImageSplit;
  readonly test: ImageSplit;
}

/**
 * What a hash does not mention of a data set of this name, since the first recorded runs' did not. Written
 * out here and not taken from where the figures are used: with others there, the hash is another.
 */
const unmentioned: ReadonlyMap<string, ChannelStatistics> = new Map([
  ['cifar10', { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] }],
  ['cifar100', { mean: [0.5071, 0.4867, 0.4408], std: [0.2675, 0.2565, 0.2761] }],
]);

/**
 * The data set of these images: cut to the subset, named after it, hashed, and with the channel
 * statistics that are known for it or else those of its train split.
 *
 * @throws LabError of kind `data` when a class has fewer images than the subset asks for.
 */
export function assembleDataset(
  name: string,
  decoded: DecodedImages,
  { subset, known }: { subset?: Subset | undefined; known?: ChannelStatistics } = {},
): ImageDataset {
  const { classes, height, width } = decoded;
  const cut = (split: 'train' | 'test'): ImageSplit => {
    const perClass = subset?.[split];
    if (perClass === undefined) return decoded[split];
    const where = `${name}, ${split}`;
    const indices = firstOfEachClass(decoded[split].labels, classes.length, perClass, where);
    return selectRecords(decoded[split], indices);
  };
  const images = { classes, height, width, train: cut('train'), test: cut('test') };
  return {
    ...images,
    ...(known ?? channelStatistics(images.train)),
    name: nameWithSubset(name, subset),
    hash: hashDataset(images, mentioned(name, known)),
  };
}

function mentioned(
  name: string,
  known: ChannelStatistics | undefined,
): ChannelStatistics | undefined {
  const usual = unmentioned.get(name);
  const figures = ({ mean, std }: ChannelStatistics): string => [...mean, ...std].join(' ');
  return known && usual && figures(known) === figures(usual) ? undefined : known;
}

/** A source of random numbers, uniform in [0, 1). */
export type Uniform = () => number;

/** What of a data set is needed to normalise its images. */
export type ImageForm = Pick<ImageDataset, 'height' | 'width' | 'mean' | 'std'>;

/** A split's pixels without its labels. */
export type PixelSplit = Pick<ImageSplit, 'images' | 'count'>;

/** Black cells added on each side before cropping, as the paper's recipe has. */
const defaultPadding = 4;

/**
 * Random crop of the zero-padded image and a horizontal flip with probability ½, then
 * `(pixel/255 − mean)/std`, as PyTorch's `RandomCrop(side, padding)`, `RandomHorizontalFlip`,
 * `ToTensor`, `Normalize`: padded cells become `(0 − mean)/std`. Three draws an image, in this order:
 * the crop's left edge, its top edge, the flip.
 *
 * @param options.into written to from its beginning, and the result a part of it; a new array by default, since an
 * engine may keep it
 * @returns `[indices.length, height, width, 3]`
 */
export function augmentBatch(
  dataset: ImageForm,
  split: ImageSplit,
  indices: ArrayLike<number>,
  random: Uniform,
  {
    padding = defaultPadding,
    into,
  }: { readonly padding?: number; readonly into?: Float32Array<ArrayBuffer> } = {},
): Float32Array {
  const views = drawViews(indices.length, random, padding);
  return fillBatch(dataset, split, indices, (row) => cutOf(views[row] ?? 0, padding), into);
}

/** How many views of an image `augmentBatch` makes with the default padding: 9 · 9 crops, each mirrored or not. */
export const augmentedViews = 2 * (2 * defaultPadding + 1) ** 2;

/** A view for each image: its crop's left edge, top edge and mirroring as one number, in that order of draws. */
function drawViews(count: number, random: Uniform, padding: number): Int32Array {
  const offsets = 2 * padding + 1;
  return Int32Array.from({ length: count }, () => {
    const left = Math.floor(random() * offsets);
    const top = Math.floor(random() * offsets);
    return viewNumber({ left, top, flip: random() < 0.5 }, offsets);
  });
}

/** Of offsets counted from 0. */
function viewNumber({ left, top, flip }: Cut, offsets: number): number {
  return 2 * (top * offsets + left) + (flip ? 1 : 0);
}

/** The image as it is: neither moved nor mirrored. */
const plainView = viewNumber(
  { left: defaultPadding, top: defaultPadding, flip: false },
  2 * defaultPadding + 1,
);

function cutOf(view: number, padding: number): Cut {
  const offsets = 2 * padding + 1;
  const crop = view >> 1;
  return {
    left: (crop % offsets) - padding,
    top: Math.floor(crop / offsets) - padding,
    flip: view % 2 === 1,
  };
}

/**
 * `(pixel/255 − mean)/std` of the images at these indices: `[indices.length, height, width, 3]`.
 *
 * @param into as of `augmentBatch`
 */
export function plainBatch(
  dataset: ImageForm,
  split: ImageSplit,
  indices: ArrayLike<number>,
  into?: Float32Array<ArrayBuffer>,
): Float32Array {
  return fillBatch(dataset, split, indices, () => ({ left: 0, top: 0, flip: false }), into);
}

/** Which part of an image is taken: shifted by (left, top), black where nothing is, then flipped. */
interface Cut {
  readonly left: number;
  readonly top: number;
  readonly flip: boolean;
}

function fillBatch(
  { height, width, mean, std }: ImageForm,
  split: PixelSplit,
  indices: ArrayLike<number>,
  cutAt: (row: number) => Cut,
  into?: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> {
  const { length: count } = indices;
  const places = new Int32Array(4 * count);
  for (let row = 0; row < count; row++) {
    const index = indices[row] ?? -1;
    if (!(index >= 0 && index < split.count)) {
      throw new RangeError(`image ${index} of a split of ${split.count}`);
    }
    const { left, top, flip } = cutAt(row);
    places.set([index, left, top, flip ? 1 : 0], 4 * row);
  }
  const numbers = new Float32Array(3 * 256);
  for (const channel of [0, 1, 2] as const) {
    numbers.set(normalisedBytes(mean[channel], std[channel]), 256 * channel);
  }
  const size = count * height * width * 3;
  const batch = into?.subarray(0, size) ?? new Float32Array(size);
  const normalise = imagesAddOn()?.normalise ?? plainNormalise;
  normalise(split.images, places, numbers, Int32Array.of(height, width), batch);
  return batch;
}

/** The native engine's, where it is not loaded. */
const plainNormalise: ImagesAddOn['normalise'] = (pixels, places, numbers, sides, to) => {
  const [height = 0, width = 0] = sides;
  const size = height * width * 3;
  const rowSize = width * 3;
  const red = numbers.subarray(0, 256);
  const green = numbers.subarray(256, 512);
  const blue = numbers.subarray(512);
  for (let i = 0; 4 * i < places.length; i++) {
    const [index = 0, left = 0, top = 0, mirrored = 0] = places.subarray(4 * i, 4 * i + 4);
    const source = pixels.subarray(index * size, (index + 1) * size);
    const target = to.subarray(i * size, (i + 1) * size);
    if (left !== 0 || top !== 0) fillBlack(target, red, green, blue);

    const firstX = Math.max(0, left);
    const lastX = Math.min(width, width + left);
    const firstY = Math.max(0, top);
    const lastY = Math.min(height, height + top);
    const step = mirrored ? -3 : 3;
    for (let y = firstY; y < lastY; y++) {
      const column = mirrored ? width - 1 - (firstX - left) : firstX - left;
      let write = (y - top) * rowSize + column * 3;
      const end = y * rowSize + lastX * 3;
      for (let read = y * rowSize + firstX * 3; read < end; read += 3, write += step) {
        target[write] = red[source[read] ?? 0] ?? 0;
        target[write + 1] = green[source[read + 1] ?? 0] ?? 0;
        target[write + 2] = blue[source[read + 2] ?? 0] ?? 0;
      }
    }
  }
};

function fillBlack(
  target: Float32Array,
  red: Float32Array,
  green: Float32Array,
  blue: Float32Array,
): void {
  for (let write = 0; write < target.length; write += 3) {
    target[write] = red[0] ?? 0;
    target[write + 1] = green[0] ?? 0;
    target[write + 2] = blue[0] ?? 0;
  }
}

/** `(value/255 − mean)/std` of every byte, each step rounded to 32 bits as PyTorch does. */
export function normalisedBytes(mean: number, std: number): Float32Array {
  const { fround } = Math;
  const numbers = new Float32Array(256);
  for (let value = 0; value < 256; value++) {
    numbers[value] = fround(fround(fround(value / 255) - fround(mean)) / fround(std));
  }
  return numbers;
}

/** A random order of `count` indices (Fisher and Yates): `count − 1` draws. */
export function epochOrder(count: number, random: Uniform): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const moved = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = moved;
  }
  return order;
}

/**
 * How many batches an epoch of training has, the last one perhaps short, unless that is left out. A last
 * batch of a single image always is, unless the batch size is one, because batch norm has no variance over it.
 */
export function trainBatchCount(
  count: number,
  { batchSize, lastBatch }: Pick<TrainingBatchRequest, 'batchSize' | 'lastBatch'>,
): number {
  const isTrainedOn = lastBatch === undefined && count % batchSize > 1;
  return Math.floor(count / batchSize) + (isTrainedOn ? 1 : 0);
}

/** The training images of a batch, and the part of each that is taken; their pixels are still to be read. */
export interface DrawnBatch {
  /** Where in the train split each image lies. */
  readonly indices: Int32Array;
  /** Which view of it each image is, of `augmentedViews`. */
  readonly views: Int32Array;
}

/** Draws a view for each image with three draws where `random` is given; the image as it is otherwise. */
export function drawBatch(indices: Int32Array, random?: Uniform): DrawnBatch {
  const { length: count } = indices;
  return {
    indices,
    views: random
      ? drawViews(count, random, defaultPadding)
      : new Int32Array(count).fill(plainView),
  };
}

/** The images of a drawn batch, padded, cropped, mirrored and normalised: `[count, height, width, 3]`. */
export function drawnImages(
  form: ImageForm,
  split: PixelSplit,
  { indices, views }: DrawnBatch,
): Float32Array<ArrayBuffer> {
  return fillBatch(form, split, indices, (row) => cutOf(views[row] ?? plainView, defaultPadding));
}

/**
 * The training images at these places with their labels, normalised; padded, cropped and flipped with
 * three draws an image when `random` is given.
 */
export function trainingBatch(
  dataset: ImageDataset,
  indices: Int32Array,
  random?: Uniform,
): TrainingBatch {
  const drawn = drawBatch(indices, random);
  return batchOf(dataset, drawn, drawnImages(dataset, dataset.train, drawn));
}

/** A drawn batch with its images, and labels beside them. */
export function batchOf(
  { train }: ImageDataset,
  drawn: DrawnBatch,
  images: Float32Array,
): TrainingBatch {
  const { indices, views } = drawn;
  return { images, labels: labelsAt(train, indices), indices, count: indices.length, views };
}

/** The images of a split in their own order, normalised and not augmented; the last batch may be short. */
export function evaluationBatches(
  dataset: ImageDataset,
  split: ImageSplit,
  batchSize: number,
): IterableIterator<EvaluationBatch> {
  requireBatchSize(dataset.name, batchSize);
  return generateEvaluationBatches(dataset, split, batchSize);
}

function* generateEvaluationBatches(
  dataset: ImageDataset,
  split: ImageSplit,
  batchSize: number,
): IterableIterator<EvaluationBatch> {
  // Taking memory for each batch costs a small network an eighth of its time.
  const pixels = Math.min(batchSize, split.count) * dataset.height * dataset.width;
  const into = new Float32Array(3 * pixels);
  for (let start = 0; start < split.count; start += batchSize) {
    const count = Math.min(batchSize, split.count - start);
    const indices = Int32Array.from({ length: count }, (_, index) => start + index);
    const images = plainBatch(dataset, split, indices, into);
    yield { images, labels: labelsAt(split, indices), indices, count };
  }
}

function labelsAt({ labels }: ImageSplit, indices: Int32Array): Int32Array {
  return indices.map((index) => labels[index] ?? -1);
}

/** @throws LabError of kind `option` unless it is a whole number of at least 1. */
export function requireBatchSize(name: string, batchSize: number): void {
  if (Number.isSafeInteger(batchSize) && batchSize >= 1) return;
  throw optionError`the batch size is not a whole number of at least 1 (data set '${name}'): found ${String(batchSize)}. Give a number such as 64`;
}

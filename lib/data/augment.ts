import type { ImageDataset, ImageSplit } from './types';

/** A source of random numbers, uniform in [0, 1). */
export type Uniform = () => number;

/** What of a data set is needed to normalise its images. */
export type ImageForm = Pick<ImageDataset, 'height' | 'width' | 'mean' | 'std'>;

/** Black cells added on each side before cropping, as the paper's recipe has. */
export const defaultPadding = 4;

/**
 * Random crop of the zero-padded image and a horizontal flip with probability ½, then
 * `(pixel/255 − mean)/std`, as PyTorch's `RandomCrop(side, padding)`, `RandomHorizontalFlip`,
 * `ToTensor`, `Normalize`: padded cells become `(0 − mean)/std`. Three draws an image, in this order:
 * the crop's left edge, its top edge, the flip.
 *
 * @returns `[indices.length, height, width, 3]`, newly allocated (an engine may keep it)
 */
export function augmentBatch(
  dataset: ImageForm,
  split: ImageSplit,
  indices: ArrayLike<number>,
  random: Uniform,
  padding: number = defaultPadding,
): Float32Array {
  const offsets = 2 * padding + 1;
  return fillBatch(dataset, split, indices, () => ({
    left: Math.floor(random() * offsets) - padding,
    top: Math.floor(random() * offsets) - padding,
    flip: random() < 0.5,
  }));
}

/** `(pixel/255 − mean)/std` of the images at these indices: `[indices.length, height, width, 3]`. */
export function plainBatch(
  dataset: ImageForm,
  split: ImageSplit,
  indices: ArrayLike<number>,
): Float32Array {
  return fillBatch(dataset, split, indices, () => ({ left: 0, top: 0, flip: false }));
}

/** Which part of an image is taken: shifted by (left, top), black where nothing is, then flipped. */
interface Cut {
  readonly left: number;
  readonly top: number;
  readonly flip: boolean;
}

function fillBatch(
  { height, width, mean, std }: ImageForm,
  split: ImageSplit,
  indices: ArrayLike<number>,
  nextCut: () => Cut,
): Float32Array {
  const size = height * width * 3;
  const rowSize = width * 3;
  const batch = new Float32Array(indices.length * size);
  const red = normalisedBytes(mean[0], std[0]);
  const green = normalisedBytes(mean[1], std[1]);
  const blue = normalisedBytes(mean[2], std[2]);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] ?? -1;
    if (!(index >= 0 && index < split.count)) {
      throw new RangeError(`image ${index} of a split of ${split.count}`);
    }
    const { left, top, flip } = nextCut();
    const source = split.images.subarray(index * size, (index + 1) * size);
    const target = batch.subarray(i * size, (i + 1) * size);
    if (left !== 0 || top !== 0) fillBlack(target, red, green, blue);

    const firstX = Math.max(0, left);
    const lastX = Math.min(width, width + left);
    const firstY = Math.max(0, top);
    const lastY = Math.min(height, height + top);
    const step = flip ? -3 : 3;
    for (let y = firstY; y < lastY; y++) {
      const column = flip ? width - 1 - (firstX - left) : firstX - left;
      let write = (y - top) * rowSize + column * 3;
      const end = y * rowSize + lastX * 3;
      for (let read = y * rowSize + firstX * 3; read < end; read += 3, write += step) {
        target[write] = red[source[read] ?? 0] ?? 0;
        target[write + 1] = green[source[read + 1] ?? 0] ?? 0;
        target[write + 2] = blue[source[read + 2] ?? 0] ?? 0;
      }
    }
  }
  return batch;
}

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
  return Float32Array.from({ length: 256 }, (_, value) =>
    fround(fround(fround(value / 255) - fround(mean)) / fround(std)),
  );
}

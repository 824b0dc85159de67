import type { Random } from '../../engine/random';
import { unknownName } from '../../errors';
import type { BatchMix } from '../batches';
import type { Box, ImageSize, Interpolation } from '../resample';
import type { RandAugmentOptions } from './rand-augment';

const erasingAttempts = 10;
/** Share of the image's area. */
const area = { least: 0.02, most: 1 / 3 };
/** Width to height, and the inverse. */
const longest = 1 / 0.3;

/**
 * Random erasing in timm's `pixel` mode: with the given probability one rectangle of 2 to 33 % of a
 * normalised image, whose log ratio is uniform between 0.3 and 1/0.3, is filled with standard normal
 * numbers. Ten attempts to find one that fits.
 *
 * @param image `height × width × 3`, changed in place.
 */
export function randomErasing(
  image: Float32Array,
  { width, height }: ImageSize,
  random: Random,
  probability: number,
): void {
  if (random.uniform() >= probability) return;
  for (let attempt = 0; attempt < erasingAttempts; attempt++) {
    const target = width * height * (area.least + (area.most - area.least) * random.uniform());
    const shape = Math.exp((2 * random.uniform() - 1) * Math.log(longest));
    const rows = Math.round(Math.sqrt(target * shape));
    const columns = Math.round(Math.sqrt(target / shape));
    if (rows >= height || columns >= width) continue;
    const top = random.integer(height - rows + 1);
    const left = random.integer(width - columns + 1);
    for (let y = top; y < top + rows; y++) {
      const start = (y * width + left) * 3;
      for (let at = start; at < start + columns * 3; at++) image[at] = random.normal();
    }
    return;
  }
}

interface CropRange {
  /** Least and most share of the image's area. */
  readonly scale: readonly [number, number];
  /** Least and most width divided by height. */
  readonly ratio: readonly [number, number];
}

/** The part of an image and its shape as in Inception's training and torchvision's default. */
const usualCropRange: CropRange = { scale: [0.08, 1], ratio: [3 / 4, 4 / 3] };

const cropAttempts = 10;

/**
 * A random part of an image, as torchvision's `RandomResizedCrop` chooses it: an area uniform in `scale`,
 * a ratio whose logarithm is uniform in that of `ratio`, a place uniform among those where it fits; after
 * ten that do not fit, the middle of the image cut to the nearest ratio. Draws for each attempt the area
 * and the ratio, then, where they fit, the top and the left edge.
 */
export function randomResizedCrop(
  { width, height }: ImageSize,
  random: Random,
  { scale, ratio }: CropRange = usualCropRange,
): Box {
  const between = ([least, most]: readonly [number, number]): number =>
    least + (most - least) * random.uniform();
  for (let attempt = 0; attempt < cropAttempts; attempt++) {
    const area = width * height * between(scale);
    const shape = Math.exp(between([Math.log(ratio[0]), Math.log(ratio[1])]));
    const box = {
      width: Math.round(Math.sqrt(area * shape)),
      height: Math.round(Math.sqrt(area / shape)),
    };
    if (box.width < 1 || box.height < 1 || box.width > width || box.height > height) continue;
    const top = random.integer(height - box.height + 1);
    const left = random.integer(width - box.width + 1);
    return { ...box, left, top };
  }
  return middle({ width, height }, ratio);
}

function middle({ width, height }: ImageSize, [least, most]: readonly [number, number]): Box {
  const box = {
    width: width / height > most ? Math.round(height * most) : width,
    height: width / height < least ? Math.round(width / least) : height,
  };
  return {
    ...box,
    left: Math.floor((width - box.width) / 2),
    top: Math.floor((height - box.height) / 2),
  };
}

/** timm's mixing in its `batch` mode: one weight and one kind for a whole batch. */
interface MixOptions {
  /** λ of mixup is drawn from Beta(α, α). */
  readonly mixupAlpha: number;
  /** λ of cutmix, likewise. */
  readonly cutmixAlpha: number;
  /** How often a batch gets cutmix rather than mixup. */
  readonly switchProbability: number;
  /** A batch is mixed in parts of so many images, each with a weight and a kind of its own; as a whole unless given. */
  readonly by?: number;
}

/**
 * Mixes each image i of a batch with image n − 1 − i, in place: by mixup (λ xᵢ + (1 − λ) xⱼ) or by cutmix
 * (a rectangle of 1 − λ of the area comes from xⱼ; where the edge cuts it, λ becomes what is left over).
 *
 * @param images `count × height × width × 3`
 */
export function mixBatch(
  images: Float32Array,
  { count, ...size }: ImageSize & { count: number },
  random: Random,
  options: MixOptions,
): BatchMix {
  const { by = count } = options;
  const partner = new Int32Array(count);
  const lambda = new Float32Array(count);
  const length = images.length / count;
  for (let first = 0; first < count; first += by) {
    const last = Math.min(first + by, count);
    const part = images.subarray(first * length, last * length);
    lambda.fill(mixPart(part, { count: last - first, ...size }, random, options), first, last);
    for (let row = first; row < last; row++) partner[row] = first + last - 1 - row;
  }
  return { partner, lambda };
}

/** λ of the part. */
function mixPart(
  images: Float32Array,
  { count, ...size }: ImageSize & { count: number },
  random: Random,
  { mixupAlpha, cutmixAlpha, switchProbability }: MixOptions,
): number {
  const cuts = random.uniform() < switchProbability;
  const drawn = symmetricBeta(random, cuts ? cutmixAlpha : mixupAlpha);
  return cuts ? cutmix(images, count, size, random, drawn) : mixup(images, count, drawn);
}

/** Beta(α, α) by Jöhnk's rejection, which is meant for α of at most 1. */
export function symmetricBeta(random: Random, alpha: number): number {
  for (;;) {
    const x = random.uniform() ** (1 / alpha);
    const y = random.uniform() ** (1 / alpha);
    if (x + y > 0 && x + y <= 1) return x / (x + y);
  }
}

function mixup(images: Float32Array, count: number, lambda: number): number {
  const length = images.length / count;
  const own = Math.fround(lambda);
  const other = Math.fround(1 - lambda);
  for (let row = 0; row < count / 2; row++) {
    const start = row * length;
    const partner = (count - 1 - row) * length;
    for (let at = 0; at < length; at++) {
      const a = images[start + at] ?? 0;
      const b = images[partner + at] ?? 0;
      images[start + at] = own * a + other * b;
      images[partner + at] = own * b + other * a;
    }
  }
  return own;
}

function cutmix(
  images: Float32Array,
  count: number,
  { width, height }: ImageSize,
  random: Random,
  lambda: number,
): number {
  const share = Math.sqrt(1 - lambda);
  const [top, bottom] = span(height, share, random);
  const [left, right] = span(width, share, random);
  const length = width * height * 3;
  for (let row = 0; row < Math.floor(count / 2); row++) {
    for (let y = top; y < bottom; y++) {
      const from = (y * width + left) * 3;
      const to = (y * width + right) * 3;
      for (let at = from; at < to; at++) {
        const one = row * length + at;
        const other = (count - 1 - row) * length + at;
        const kept = images[one] ?? 0;
        images[one] = images[other] ?? 0;
        images[other] = kept;
      }
    }
  }
  return 1 - ((bottom - top) * (right - left)) / (width * height);
}

/** A stretch of `share` of an axis about a uniform middle, cut at the ends. */
function span(length: number, share: number, random: Random): [number, number] {
  const half = Math.floor(Math.trunc(length * share) / 2);
  const middle = random.integer(length);
  return [Math.max(0, middle - half), Math.min(length, middle + half)];
}

/** What is done to a training image between decoding and the network. */
export interface ImageAugmentation {
  readonly interpolation: Interpolation;
  readonly randAugment?: RandAugmentOptions;
  /** Probability of random erasing. */
  readonly erasing?: number;
  readonly mix?: MixOptions;
}

const deit: ImageAugmentation = {
  interpolation: 'bicubic',
  randAugment: { magnitude: 9, deviation: 0.5, operations: 2 },
  erasing: 0.25,
};

const deitMix: MixOptions = { mixupAlpha: 0.8, cutmixAlpha: 1, switchProbability: 0.5 };

/**
 * Augmentations of an image folder by name, each with a random resized crop and a flip: that alone, as
 * torchvision's recipes; DeiT's, with RandAugment (magnitude 9, deviation 0.5), random erasing (0.25),
 * mixup (0.8) and cutmix (1.0); the same mixed in parts of 256, as on GPUs that see so many each; the same
 * unmixed.
 */
const augmentations: ReadonlyMap<string, ImageAugmentation> = new Map<string, ImageAugmentation>([
  ['resized-crop-flip', { interpolation: 'bilinear' }],
  ['deit', { ...deit, mix: deitMix }],
  ['deit-by-256', { ...deit, mix: { ...deitMix, by: 256 } }],
  ['deit-unmixed', deit],
]);

/** The names that `trainingBatches` of an image folder knows; `none` cuts the middle as evaluation does. */
const folderAugmentations: readonly string[] = [...augmentations.keys(), 'none'];

/**
 * @returns undefined for `none`.
 * @throws LabError of kind `option` for a name that is not known.
 */
export function augmentationNamed(name: string): ImageAugmentation | undefined {
  const augmentation = augmentations.get(name);
  if (augmentation !== undefined || name === 'none') return augmentation;
  throw unknownName('augmentation of an image folder', name, folderAugmentations);
}

import type { Random } from '../../engine/random';
import type { BatchMix } from '../batch-source-types';
import type { ImageSize } from '../resample';

/** timm's mixing in its `batch` mode: one weight and one kind for a whole batch. */
export interface MixOptions {
  /** λ of mixup is drawn from Beta(α, α). */
  readonly mixupAlpha: number;
  /** λ of cutmix, likewise. */
  readonly cutmixAlpha: number;
  /** How often a batch gets cutmix rather than mixup. */
  readonly switchProbability: number;
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
  { mixupAlpha, cutmixAlpha, switchProbability }: MixOptions,
): BatchMix {
  const cuts = random.uniform() < switchProbability;
  const drawn = symmetricBeta(random, cuts ? cutmixAlpha : mixupAlpha);
  const lambda = cuts ? cutmix(images, count, size, random, drawn) : mixup(images, count, drawn);
  return {
    partner: Int32Array.from({ length: count }, (_, row) => count - 1 - row),
    lambda: new Float32Array(count).fill(lambda),
  };
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

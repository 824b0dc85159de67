import type { Random } from '../../engine/random';
import type { Box, ImageSize } from '../resample';

export interface CropRange {
  /** Least and most share of the image's area. */
  readonly scale: readonly [number, number];
  /** Least and most width divided by height. */
  readonly ratio: readonly [number, number];
}

/** The part of an image and its shape as in Inception's training and torchvision's default. */
export const usualCropRange: CropRange = { scale: [0.08, 1], ratio: [3 / 4, 4 / 3] };

const attempts = 10;

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
  for (let attempt = 0; attempt < attempts; attempt++) {
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

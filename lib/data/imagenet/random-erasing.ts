import type { Random } from '../../engine/random';
import type { ImageSize } from '../resample';

const attempts = 10;
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
  for (let attempt = 0; attempt < attempts; attempt++) {
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

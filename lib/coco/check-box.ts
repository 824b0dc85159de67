import type { CocoBox, CocoImage } from './types';

/** What is wrong with a box of an image, in words for a list of faults; undefined when nothing is. */
export function checkBox(
  [x, y, width, height]: CocoBox,
  image: Pick<CocoImage, 'width' | 'height'>,
): string | undefined {
  if (!(width > 0 && height > 0)) return 'boxes of no area';
  const inside = x < image.width && y < image.height && x + width > 0 && y + height > 0;
  return inside ? undefined : 'boxes outside of their image';
}

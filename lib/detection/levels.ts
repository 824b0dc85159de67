import { type Boxes, boxArea, boxCount } from './boxes';

/** A box of this side is taken from the level of this number, where levels 2, 3, … have stride 4, 8, … */
const canonical = { side: 224, level: 4 } as const;

/**
 * The level of the pyramid that a box is pooled from (Lin et al., arXiv 1612.03144):
 * ⌊4 + log₂(√area / 224)⌋, held between `first` and `last`.
 *
 * @returns for each box its level, counted from 0 at `first`
 */
export function assignLevels(
  boxes: Boxes,
  {
    first = 2,
    last = 5,
    side = canonical.side,
  }: { first?: number; last?: number; side?: number } = {},
): Int32Array {
  return Int32Array.from({ length: boxCount(boxes) }, (_, index) => {
    const size = Math.sqrt(boxArea(boxes, index)) / side;
    const level = Math.floor(canonical.level + Math.log2(size + 1e-8));
    return Math.min(Math.max(level, first), last) - first;
  });
}

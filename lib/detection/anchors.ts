import type { Boxes, ImageSize } from './boxes';

/** height / width of the anchors of a place, in their order: detectron2's. */
export const anchorRatios = [0.5, 1, 2] as const;

/** detectron2's side of a square anchor on each level of an FPN, finest first. */
export const defaultAnchorSizes = [32, 64, 128, 256, 512] as const;

/**
 * The anchors of one level: around the top left corner of each cell, one of each ratio with area size²
 * (width = size / √ratio, height = size · √ratio).
 *
 * @param grid cells of the level
 * @returns [height · width · ratios] boxes: cells row by row, the ratios of a cell together
 */
export function levelAnchors(grid: ImageSize, stride: number, size: number): Boxes {
  const shapes = anchorRatios.map((ratio) => {
    const width = Math.sqrt(size ** 2 / ratio);
    return [-width / 2, (-ratio * width) / 2, width / 2, (ratio * width) / 2] as const;
  });
  const boxes = new Float32Array(4 * shapes.length * grid.height * grid.width);
  let at = 0;
  for (let y = 0; y < grid.height; y++) {
    for (let x = 0; x < grid.width; x++) {
      for (const [left, top, right, bottom] of shapes) {
        boxes[at++] = x * stride + left;
        boxes[at++] = y * stride + top;
        boxes[at++] = x * stride + right;
        boxes[at++] = y * stride + bottom;
      }
    }
  }
  return boxes;
}

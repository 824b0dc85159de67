import { type Boxes, boxCount } from './boxes';

/** Factors of dx, dy, dw and dh. */
export type CodingWeights = readonly [number, number, number, number];

/** detectron2's for proposals out of anchors. */
export const proposalCoding: CodingWeights = [1, 1, 1, 1];
/** detectron2's for final boxes out of proposals. */
export const finalCoding: CodingWeights = [10, 10, 5, 5];

/** A predicted box is at most this many times its source: log(1000 / 16), detectron2's bound of dw and dh. */
const largestStep = Math.log(1000 / 16);

/**
 * What turns each source box into its target (Girshick et al., arXiv 1311.2524):
 * dx = w_x · (x_t − x_s) / width_s, dw = w_w · log(width_t / width_s), and so for y and h; x and y are
 * centres.
 *
 * @returns [boxes × 4]: dx dy dw dh
 */
export function encodeBoxes(sources: Boxes, targets: Boxes, weights: CodingWeights): Float32Array {
  const deltas = new Float32Array(sources.length);
  for (let i = 0; i < boxCount(sources); i++) {
    const source = centred(sources, 4 * i);
    const target = centred(targets, 4 * i);
    deltas[4 * i] = (weights[0] * (target.x - source.x)) / source.width;
    deltas[4 * i + 1] = (weights[1] * (target.y - source.y)) / source.height;
    deltas[4 * i + 2] = weights[2] * Math.log(target.width / source.width);
    deltas[4 * i + 3] = weights[3] * Math.log(target.height / source.height);
  }
  return deltas;
}

/** The reverse of `encodeBoxes`; dw and dh are held below log(1000 / 16). */
export function decodeBoxes(sources: Boxes, deltas: Float32Array, weights: CodingWeights): Boxes {
  const boxes = new Float32Array(sources.length);
  for (let i = 0; i < boxCount(sources); i++) {
    const at = 4 * i;
    const source = centred(sources, at);
    const x = source.x + ((deltas[at] ?? 0) / weights[0]) * source.width;
    const y = source.y + ((deltas[at + 1] ?? 0) / weights[1]) * source.height;
    const width = source.width * grown((deltas[at + 2] ?? 0) / weights[2]);
    const height = source.height * grown((deltas[at + 3] ?? 0) / weights[3]);
    boxes[at] = x - width / 2;
    boxes[at + 1] = y - height / 2;
    boxes[at + 2] = x + width / 2;
    boxes[at + 3] = y + height / 2;
  }
  return boxes;
}

function grown(step: number): number {
  return Math.exp(Math.min(step, largestStep));
}

function centred(
  boxes: Boxes,
  at: number,
): { x: number; y: number; width: number; height: number } {
  const left = boxes[at] ?? 0;
  const top = boxes[at + 1] ?? 0;
  const width = (boxes[at + 2] ?? 0) - left;
  const height = (boxes[at + 3] ?? 0) - top;
  return { x: left + width / 2, y: top + height / 2, width, height };
}

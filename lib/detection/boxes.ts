/** Boxes as x1 y1 x2 y2, one after the other: [boxes × 4]. */
export type Boxes = Float32Array;

export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** How many boxes there are. */
export function boxCount(boxes: Boxes): number {
  return boxes.length / 4;
}

/** The area of box `index`; 0 where it is turned inside out. */
export function boxArea(boxes: Boxes, index: number): number {
  const at = 4 * index;
  const width = (boxes[at + 2] ?? 0) - (boxes[at] ?? 0);
  const height = (boxes[at + 3] ?? 0) - (boxes[at + 1] ?? 0);
  return Math.max(0, width) * Math.max(0, height);
}

/** Intersection over union of box `i` of `a` and box `j` of `b`; 0 where both have no area. */
export function intersectionOverUnion(a: Boxes, i: number, b: Boxes, j: number): number {
  const p = 4 * i;
  const q = 4 * j;
  const width = Math.min(a[p + 2] ?? 0, b[q + 2] ?? 0) - Math.max(a[p] ?? 0, b[q] ?? 0);
  const height = Math.min(a[p + 3] ?? 0, b[q + 3] ?? 0) - Math.max(a[p + 1] ?? 0, b[q + 1] ?? 0);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (boxArea(a, i) + boxArea(b, j) - shared);
}

/** The boxes with these places, in their order. */
export function pickBoxes(boxes: Boxes, indices: ArrayLike<number>): Boxes {
  const picked = new Float32Array(4 * indices.length);
  for (let i = 0; i < indices.length; i++) {
    const at = 4 * (indices[i] ?? 0);
    picked.set(boxes.subarray(at, at + 4), 4 * i);
  }
  return picked;
}

/** All boxes, one list after the other. */
export function joinBoxes(lists: readonly Boxes[]): Boxes {
  const joined = new Float32Array(lists.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const list of lists) {
    joined.set(list, at);
    at += list.length;
  }
  return joined;
}

/** Every box cut at the image's edges. */
export function clipBoxes(boxes: Boxes, { height, width }: ImageSize): Boxes {
  return boxes.map((edge, index) => Math.min(Math.max(edge, 0), index % 2 === 0 ? width : height));
}

/** Places of the boxes that have an area, all of whose edges (and whose score) are finite. */
export function soundBoxes(boxes: Boxes, scores: ArrayLike<number>): number[] {
  const sound: number[] = [];
  for (let i = 0; i < boxCount(boxes); i++) {
    if (Number.isFinite(scores[i]) && Number.isFinite(boxArea(boxes, i)) && boxArea(boxes, i) > 0) {
      sound.push(i);
    }
  }
  return sound;
}

/** Factors of dx, dy, dw and dh. */
type CodingWeights = readonly [number, number, number, number];

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

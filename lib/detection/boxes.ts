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
export function pickBoxes(boxes: Boxes, places: ArrayLike<number>): Boxes {
  const picked = new Float32Array(4 * places.length);
  for (let i = 0; i < places.length; i++) {
    const at = 4 * (places[i] ?? 0);
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

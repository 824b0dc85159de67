/** Boxes one after the other: x, y, width, height of each. */
export type FlatBoxes = Float64Array;

/**
 * The part of two boxes that they share, in [0, 1]: intersection over union; over the detection's own
 * area where the object is a crowd, since one detection cannot cover a crowd. The order of operations is
 * pycocotools', so that the last bit is the same.
 */
export function overlap(
  detections: FlatBoxes,
  detection: number,
  objects: FlatBoxes,
  object: number,
  crowd: boolean,
): number {
  const d = 4 * detection;
  const g = 4 * object;
  const dx = detections[d] ?? 0;
  const dy = detections[d + 1] ?? 0;
  const dw = detections[d + 2] ?? 0;
  const dh = detections[d + 3] ?? 0;
  const gx = objects[g] ?? 0;
  const gy = objects[g + 1] ?? 0;
  const gw = objects[g + 2] ?? 0;
  const gh = objects[g + 3] ?? 0;
  const width = Math.min(dw + dx, gw + gx) - Math.max(dx, gx);
  if (width <= 0) return 0;
  const height = Math.min(dh + dy, gh + gy) - Math.max(dy, gy);
  if (height <= 0) return 0;
  const shared = width * height;
  return shared / (crowd ? dw * dh : dw * dh + gw * gh - shared);
}

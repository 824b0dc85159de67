import type { CocoBox } from './types';

/** What the made-up set draws. */
export const shapeKinds = ['disc', 'square', 'triangle'] as const;
export type ShapeKind = (typeof shapeKinds)[number];

/** Whether a shape that fills a box covers a point. */
export function coversShape(
  kind: ShapeKind,
  [left, top, width, height]: CocoBox,
  x: number,
  y: number,
): boolean {
  const across = (x - left) / width;
  const down = (y - top) / height;
  if (across < 0 || across > 1 || down < 0 || down > 1) return false;
  if (kind === 'square') return true;
  if (kind === 'disc') return (across - 0.5) ** 2 + (down - 0.5) ** 2 <= 0.25;
  return Math.abs(across - 0.5) <= down / 2;
}

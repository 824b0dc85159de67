interface Point {
  readonly x: number;
  readonly y: number;
}

/** Length of an SVG path of straight lines (`M x,y L x,y …`), which is what Plotly's arrows and labels ask. */
export function pathLength(path: string): number {
  return segments(path).reduce((sum, { length }) => sum + length, 0);
}

/** The point at a distance along such a path, kept within its ends. */
export function pointAtLength(path: string, distance: number): Point {
  let left = Math.max(0, distance);
  let last: Point = { x: 0, y: 0 };
  for (const { from, to, length } of segments(path)) {
    if (left <= length && length > 0) {
      const part = left / length;
      return { x: from.x + part * (to.x - from.x), y: from.y + part * (to.y - from.y) };
    }
    left -= length;
    last = to;
  }
  return last;
}

function segments(path: string): { from: Point; to: Point; length: number }[] {
  const numbers = (path.match(/-?\d*\.?\d+(?:e[-+]?\d+)?/giu) ?? []).map(Number);
  const points = Array.from({ length: Math.floor(numbers.length / 2) }, (_, index) => ({
    x: numbers[2 * index] ?? 0,
    y: numbers[2 * index + 1] ?? 0,
  }));
  return points.slice(1).map((to, index) => {
    const from = points[index] ?? to;
    return { from, to, length: Math.hypot(to.x - from.x, to.y - from.y) };
  });
}

/** A rectangle in the pixels of a picture. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * A place for the label of each box, inside the picture: above it, below it, within or beside it,
 * whichever is the first that covers no label placed before; above it where all do.
 *
 * @param boxes in the order of importance
 * @param sizes of the labels, one a box
 */
export function placeLabels(
  boxes: readonly Area[],
  sizes: readonly Pick<Area, 'width' | 'height'>[],
  picture: Area,
): Area[] {
  const placed: Area[] = [];
  boxes.forEach((box, index) => {
    const { width = 0, height = 0 } = sizes[index] ?? {};
    const left = box.x;
    const right = box.x + box.width - width;
    const bottom = box.y + box.height;
    const candidates = [
      { x: left, y: box.y - height },
      { x: right, y: box.y - height },
      { x: left, y: bottom },
      { x: left, y: box.y },
      { x: left, y: bottom - height },
      { x: right, y: bottom },
      { x: box.x + box.width, y: box.y },
      { x: left - width, y: box.y },
    ].map(({ x, y }) => ({ x, y, width, height }));
    const inside = candidates.filter((area) => contains(picture, area));
    const moved = candidates.map((area) => movedInside(area, picture));
    const free = [...inside, ...moved].find((area) => !placed.some((other) => touch(area, other)));
    const chosen = free ?? inside[0] ?? moved[0];
    if (chosen) placed.push(chosen);
  });
  return placed;
}

function contains(outer: Area, inner: Area): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

function movedInside(area: Area, picture: Area): Area {
  const within = (value: number, least: number, most: number): number =>
    Math.max(least, Math.min(value, most));
  return {
    ...area,
    x: within(area.x, picture.x, picture.x + picture.width - area.width),
    y: within(area.y, picture.y, picture.y + picture.height - area.height),
  };
}

function touch(a: Area, b: Area): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

import { LabError } from '../errors';
import type { Cell } from './grid';

/** One of several parts of a grid, counted from 1. */
export interface Shard {
  readonly part: number;
  readonly parts: number;
}

/**
 * Reads `2/8`.
 *
 * @throws LabError of kind `option` for anything but a part from 1 to the number of parts.
 */
export function parseShard(text: string): Shard {
  const [, part = NaN, parts = NaN] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (part >= 1 && part <= parts) return { part, parts };
  throw new LabError({
    kind: 'option',
    what: 'a part of the grid is its number, a slash and the number of parts',
    where: '--shard',
    found: `'${text}'`,
    remedy: 'Write 1/4 for the first of four parts, 4/4 for the last',
  });
}

/**
 * The cells of one part: every `parts`-th one, so that the parts are equally long and each has its share
 * of every pair. The same grid is cut in the same way everywhere.
 */
export function cellsOfShard(cells: readonly Cell[], { part, parts }: Shard): Cell[] {
  return cells.filter((_, index) => index % parts === part - 1);
}

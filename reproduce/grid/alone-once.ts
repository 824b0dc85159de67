import { familyOf } from '../../lib/report/methods';
import type { Cell } from '../../lib/study/grid';

/** Whether a run is that of a student alone. */
export function isAlone({ method }: Pick<Cell, 'method'>): boolean {
  return familyOf(method) === 'student';
}

/**
 * The grid without the second and later runs of the same student alone: it learns from no teacher, so
 * that its run beside one teacher serves for all of them.
 */
export function studentAloneOnce(cells: readonly Cell[]): Cell[] {
  const seen = new Set<string>();
  return cells.filter((cell) => {
    if (!isAlone(cell)) return true;
    const run = `${cell.student} ${cell.method} ${cell.seed}`;
    if (seen.has(run)) return false;
    seen.add(run);
    return true;
  });
}

import { summarise, type Summary } from '../../statistics/summary';
import type { Block, Drawing } from '../document';
import { toFixed2 } from '../numbers';
import { type RelationPoint, relationSpec } from '../plots/relation';
import { kdStyle, linesLegend, styleAt, teacherStyle } from '../plots/style';
import { rowOf, type StudyPair, type StudyRow, type Sweep } from './model';

/** Accuracy and more against a number of the recipe; nothing with fewer than two rows. */
export function sweepBlock(pair: StudyPair, sweep: Sweep): Block[] {
  const rows = sweep.methods.flatMap((method) => {
    const row = rowOf(pair, method);
    const x = row === undefined ? null : sweep.x(row);
    return row === undefined || x === null || row.top1 === null ? [] : [{ row, x }];
  });
  if (rows.length < 2) return [];
  const style = styleAt(0);
  const compared = ['kd', ...sweep.levels].flatMap((method, index) => {
    const row = rowOf(pair, method);
    if (row === undefined || row.top1 === null || sweep.methods.includes(method)) return [];
    return [{ row, style: method === 'kd' ? kdStyle : styleAt(index) }];
  });
  const plots = sweep.quantities.map((quantity): Drawing => {
    const points = rows.flatMap(({ row, x }): RelationPoint[] => {
      const y = quantity.of(row);
      return y === null ? [] : [{ x, y }];
    });
    const teacher = rows[0] === undefined ? null : (quantity.ofTeacher?.(rows[0].row) ?? null);
    return {
      title: quantity.title,
      says: `${pair.pair}: ${points.map(({ x, y }) => `${String(x)}: ${toFixed2(y.mean)}`).join('; ')}`,
      spec: relationSpec({
        x: sweep.axis,
        y: quantity.axis,
        series: [{ label: sweep.label, style, points }],
        levels: [
          ...compared.flatMap(({ row, style: own }) => {
            const value = quantity.of(row);
            return value === null ? [] : [{ label: row.label, style: own, value: value.mean }];
          }),
          ...(teacher === null ? [] : [{ label: 'Teacher', style: teacherStyle, value: teacher }]),
        ],
      }),
    };
  });
  const legend = linesLegend([
    { label: sweep.label, style },
    ...compared.map(({ row: { label }, style: own }) => ({ label, style: own })),
    ...(sweep.quantities.some(({ ofTeacher }) => ofTeacher !== undefined)
      ? [{ label: 'Teacher (norm)', style: teacherStyle }]
      : []),
  ]);
  return [{ kind: 'plots', title: sweep.title, legend, plots }];
}

/** A number of one of the losses in a row's recipe. */
export function termNumber(row: StudyRow, loss: string, option: string): number | null {
  const value = row.terms.find((term) => term['loss'] === loss)?.[option];
  return typeof value === 'number' ? value : null;
}

/** One value as a summary: there is but one of it. */
export function single(value: number): Summary {
  const summary = summarise(new Map([[0, value]]));
  if (summary === null) throw new Error('one value has a mean');
  return summary;
}

import { summarise, type Summary } from '../../statistics/summary';
import type { Block, Drawing } from '../document';
import { toFixed2 } from '../numbers';
import { type RelationPoint, relationSpec } from '../plots/relation';
import { kdStyle, linesLegend, styleAt, teacherStyle } from '../plots/style';
import { measured } from './method-table';
import type { StudyPair, StudyRow, Sweep } from './model';

/** What can be drawn against a number of the recipe. */
const quantities = {
  top1: { name: 'Top-1', axis: 'top-1 (%)', of: ({ top1 }: StudyRow) => top1 },
  norm: { name: 'Norm', axis: 'mean norm', of: ({ studentNorm }: StudyRow) => studentNorm },
  cosine: { name: 'Cosine', axis: 'mean cosine', of: ({ cosine }: StudyRow) => cosine },
} as const;

/** Accuracy and more against a number of the recipe; nothing with fewer than two rows. */
export function sweepBlock(pair: StudyPair, sweep: Sweep): Block[] {
  const shown = measured(pair);
  const rows = sweep.methods.flatMap((method) => {
    const row = shown.find((candidate) => candidate.method === method);
    const x = row === undefined ? null : sweep.x(row);
    return row === undefined || x === null ? [] : [{ row, x }];
  });
  const [first] = rows;
  if (first === undefined || rows.length < 2) return [];
  const style = styleAt(0);
  const compared = ['kd', ...sweep.levels]
    .flatMap((method, index) =>
      shown
        .filter((row) => row.method === method)
        .map((row) => ({ row, style: method === 'kd' ? kdStyle : styleAt(index) })),
    )
    .filter(({ row }) => !sweep.methods.includes(row.method));
  const plots = sweep.quantities.map((name): Drawing => {
    const quantity = quantities[name];
    const points = rows.flatMap(({ row, x }): RelationPoint[] => {
      const y = quantity.of(row);
      return y === null ? [] : [{ x, y }];
    });
    const teacher = name === 'norm' ? first.row.teacherNorm : null;
    return {
      title: `${quantity.name} against ${sweep.against}`,
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
    ...(sweep.quantities.includes('norm')
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

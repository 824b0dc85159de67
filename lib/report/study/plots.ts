import type { Block, PlotsBlock } from '../document';
import { epochBlocks, type Family, type Quantity } from '../plots/by-epoch';
import { intervalsBlock, type IntervalRow, measuredRows } from '../plots/intervals';
import { kdStyle, styleAt } from '../plots/style';
import { measured } from './method-table';
import { rowOf, type StudyPair } from './model';

/** A block for each group of methods: their quantities by epoch. */
export function linesByEpoch(
  pair: StudyPair,
  groups: Readonly<Record<string, readonly string[]>>,
  quantities: readonly Quantity[],
): PlotsBlock[] {
  const families = Object.entries(groups)
    .map(([label, methods]) => familyOf(pair, label, methods))
    .filter(({ series }) => series.some(({ method }) => method !== 'kd'));
  return epochBlocks(pair.pair, families, quantities);
}

function familyOf(pair: StudyPair, label: string, methods: readonly string[]): Family {
  const others = methods.filter((method) => method !== 'kd');
  const series = methods.flatMap((method) => {
    const row = rowOf(pair, method);
    if (row === undefined || row.curves.length === 0) return [];
    const style = method === 'kd' ? kdStyle : styleAt(others.indexOf(method));
    return [{ method, label: row.label, style, curves: row.curves }];
  });
  return { label, series };
}

/** Accuracy and gain over KD of all methods, with intervals. */
export function barsBlock(pair: StudyPair): Block {
  const rows = (of: 'top1' | 'overBase'): IntervalRow[] =>
    measuredRows(measured(pair).map((row) => ({ label: row.label, measured: row[of] })));
  return intervalsBlock(
    pair.pair,
    'Accuracy and gains, with intervals',
    [
      { title: 'Top-1 after the last epoch', axis: 'top-1 (%)', rows: rows('top1') },
      {
        title: 'Gain over the base, same seeds',
        axis: 'points of top-1',
        difference: true,
        rows: rows('overBase'),
      },
    ],
    { wideLabels: true },
  );
}

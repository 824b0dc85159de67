import { findPaperNumber, paperTable, type PaperTableName } from '../../paper';
import { none } from '../words';
import type { MethodColumn } from './method-table';

/** The paper's number beside a study's row; it says so where the paper has the row and we know no number. */
export function paperColumn(
  table: Extract<PaperTableName, 'ablation' | 'motivation'>,
  rows: Readonly<Record<string, string>>,
): MethodColumn {
  return {
    head: 'paper',
    wide: true,
    of({ method }) {
      const name = rows[method];
      if (name === undefined) return none;
      const found = findPaperNumber({ table, pair: 'unknown', method: name });
      return found?.value?.toFixed(2) ?? 'not known';
    },
  };
}

/** What is known of a table of the paper whose numbers are not. */
export function knownOf(table: PaperTableName): string[] {
  const { title, source, notes, known } = paperTable(table);
  return [
    `The paper’s “${title}”: ${source}.`,
    ...notes,
    ...known.map((fact) => `${fact.statement} (${fact.source})`),
  ];
}

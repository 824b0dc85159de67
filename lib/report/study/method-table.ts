import { findPaperNumber, paperTable, type PaperTableName } from '../../paper';
import type { Summary } from '../../statistics/summary';
import { columnNote, gainCells, summaryCell, withBelow } from '../cells';
import type { Cell, ListBlock, TableBlock } from '../document';
import { formatMean, formatSummary, listed, none, toFixed2 } from '../numbers';
import { unfinishedInWords } from '../run-record';
import type { MethodColumn, StudyPair, StudyRow } from './model';

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

/** Over KD, or over the base of a `++` row, on the same seeds. */
const gainOverBase: MethodColumn = {
  head: 'gain over its base, same seeds',
  of: (row, rows) => (row.base === null ? '' : cellIn(rows, row, ({ overBase }) => overBase)),
};

/** Over the student alone. */
const gainOverStudent: MethodColumn = {
  head: 'gain over the student alone',
  wide: true,
  of: (row, rows) => cellIn(rows, row, ({ overStudent }) => overStudent),
};

function cellIn(
  rows: readonly StudyRow[],
  row: StudyRow,
  of: (row: StudyRow) => Summary | null,
): string | Cell {
  return gainCells(rows.map(of))[rows.indexOf(row)] ?? none;
}

/** The student's norm, and below it its share of the teacher's. */
const normColumn: MethodColumn = {
  head: 'student’s norm',
  of({ studentNorm, teacherNorm }) {
    const below =
      studentNorm === null || teacherNorm === null
        ? null
        : `${toFixed2(studentNorm.mean / teacherNorm)} of the teacher’s`;
    return withBelow(formatSummary(studentNorm, toFixed2), below);
  },
};

/** The cosine to the own class mean. */
const cosineColumn: MethodColumn = {
  head: 'cosine to the own class mean',
  of: ({ cosine }) =>
    cosine === null
      ? none
      : `${cosine.mean.toFixed(3)}${cosine.std === null ? '' : ` ± ${cosine.std.toFixed(3)}`}`,
};

/** What any study can tell of its methods. */
export const column = {
  overBase: gainOverBase,
  overStudent: gainOverStudent,
  norm: normColumn,
  cosine: cosineColumn,
} as const;

/** The methods of a pair that were run, with their accuracy and what else is asked. */
export function methodTable(
  pair: StudyPair,
  caption: string,
  columns: readonly MethodColumn[],
): TableBlock {
  const shown = measured(pair);
  const compared = shown.some(({ overBase, overStudent }) =>
    [overBase, overStudent].some((gain) => (gain?.interval ?? null) !== null),
  );
  return {
    kind: 'table',
    caption: compared ? `${caption} (${columnNote})` : caption,
    head: ['method', 'top-1, last epoch', 'best epoch', ...columns.map(({ head }) => head)],
    wide: new Set(['best epoch', ...columns.filter(({ wide }) => wide).map(({ head }) => head)]),
    rows: shown.map((row) => ({
      cells: [
        row.label,
        summaryCell(row.top1),
        formatMean(row.best),
        ...columns.map(({ of }) => of(row, shown)),
      ],
      strong: row.method.endsWith('++'),
    })),
  };
}

/** What each row is, and what was not run or not to its end. */
export function methodNotes(pair: StudyPair): ListBlock {
  const idle = pair.rows.filter(({ top1, unfinished }) => top1 === null && unfinished.length === 0);
  const noted = measured(pair).filter(({ note }) => note !== '');
  return {
    kind: 'list',
    wide: true,
    items: [
      ...noted.map(({ label, note }) => `${label}: ${note}.`),
      ...listed(
        'Not run',
        idle.map(({ label }) => label),
      ),
      ...pair.rows.flatMap(({ label, unfinished }) =>
        unfinished.map((run) => unfinishedInWords(label, run)),
      ),
    ],
  };
}

/** The rows with a number. */
export function measured({ rows }: StudyPair): StudyRow[] {
  return rows.filter(({ top1 }) => top1 !== null);
}

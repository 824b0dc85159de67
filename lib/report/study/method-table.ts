import { findPaperNumber, paperTable, type PaperTableName } from '../../paper';
import type { Summary } from '../../statistics/summary';
import { columnNote, gainCells, summaryCell, withBelow } from '../cells';
import type { Cell, ListBlock, TableBlock } from '../document';
import { noGainInWords } from '../group';
import { formatMean, formatSummary, listed, none, toFixed2 } from '../numbers';
import { unfinishedInWords } from '../run-record';
import { areComparable, type MethodColumn, rowOf, type StudyPair, type StudyRow } from './model';

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

/**
 * What each row of some pairs is, and what was not run under any of them, or not to its end. With several
 * pairs an unfinished run is named with its own.
 */
export function methodNotes(pairs: readonly StudyPair[]): ListBlock {
  const all = pairs.flatMap(({ pair, rows }) => rows.map((row) => ({ pair, ...row })));
  const rows = all.filter(
    ({ method }, index) => all.findIndex((other) => other.method === method) === index,
  );
  const has = (method: string, of: (row: StudyRow) => boolean): boolean =>
    all.some((row) => row.method === method && of(row));
  const isMeasured = ({ top1 }: StudyRow): boolean => top1 !== null;
  const isBegun = (row: StudyRow): boolean => isMeasured(row) || row.unfinished.length > 0;
  return {
    kind: 'list',
    wide: true,
    items: [
      ...rows
        .filter(({ method, note }) => note !== '' && has(method, isMeasured))
        .map(({ label, note }) => `${label}: ${note}.`),
      ...listed(
        'Not run',
        rows.filter(({ method }) => !has(method, isBegun)).map(({ label }) => label),
      ),
      ...pairs.flatMap(apartFromBase),
      ...all.flatMap(({ pair, label, unfinished }) =>
        unfinished.map((run) =>
          unfinishedInWords(pairs.length > 1 ? `${label} on ${pair}` : label, run),
        ),
      ),
    ],
  };
}

/** The rows whose base ran under another recipe or teacher, so that no gain over it is given. */
function apartFromBase(pair: StudyPair): string[] {
  return measured(pair).flatMap(({ method, label, base }) =>
    base === null || areComparable(pair, method, base)
      ? []
      : noGainInWords(`${label} on ${pair.pair}`, rowOf(pair, base)?.label ?? base),
  );
}

/** The rows with a number. */
export function measured({ rows }: StudyPair): StudyRow[] {
  return rows.filter(({ top1 }) => top1 !== null);
}

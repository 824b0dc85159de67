import { findPaperNumber, paperTable, type PaperTableName } from '../../paper';
import { none, toSigned2 } from '../numbers';
import { growingTeachers } from './growing-teachers';
import { column, knownOf } from './method-table';
import type { MethodColumn, StudyPair, StudyView } from './model';

/** The main table's rows whose number belongs to a published recipe, not to that of the `++` row. */
const publishedRows = ['student', 'kd', 'dkd', 'reviewkd'];

const tables: readonly PaperTableName[] = [
  'table2',
  'scalable-teachers',
  'larger-students',
  'vit-teachers',
  'deit',
];

const ending = '-published';

/** The paper's number of a row on ImageNet, in percent; null where it prints none of this recipe. */
export function imageNetNumber(pair: string, method: string): number | null {
  // The main table's single runs go before the mean of five trials of the same pair.
  const table = tables.find((name) => paperTable(name).pairs.some((known) => known.pair === pair));
  const printed = table === undefined ? null : printedMethod(table, method);
  if (table === undefined || printed === null) return null;
  return findPaperNumber({ table, pair, method: printed })?.value ?? null;
}

/** Under which name a table prints the number of a recipe. */
function printedMethod(table: PaperTableName, method: string): string | null {
  if (table === 'deit' && method === 'deit') return 'deit++ without nd';
  if (method.endsWith(ending)) return method.slice(0, -ending.length);
  return table === 'table2' && publishedRows.includes(method) ? null : method;
}

function paperColumn({ pair }: StudyPair): MethodColumn {
  return {
    head: 'paper, on ImageNet',
    of: ({ method }) => imageNetNumber(pair, method)?.toFixed(2) ?? none,
  };
}

/** What the paper gains over the same base, beside the measured gain. */
function paperGainColumn({ pair }: StudyPair): MethodColumn {
  return {
    head: 'the paper’s gain over it',
    wide: true,
    of({ method, base }) {
      if (base === null) return '';
      const own = imageNetNumber(pair, method);
      const below = imageNetNumber(pair, base) ?? imageNetNumber(pair, `${base}${ending}`);
      return own === null || below === null ? none : toSigned2(own - below);
    },
  };
}

/** The ImageNet tables: the main one, larger teachers, vision transformers as teachers, DeiT. */
export const table2: StudyView = {
  title: 'Table 2: ImageNet',
  asks: 'What do the ++ rows gain on ImageNet, under larger teachers and vision transformers, and for DeiT?',
  comparable:
    'The paper’s numbers are on ImageNet at 224 × 224 over 100 epochs (DeiT 300): only runs of that setting can be compared with them, others by their gains.',
  ofPair: {
    caption: 'Table 2',
    columns: (pair) => [
      ...[paperColumn(pair), column.overBase, paperGainColumn(pair), column.overStudent],
      ...[column.norm, column.cosine],
    ],
  },
  // The paper's figure of larger teachers: networks of one family, whose sizes can be compared.
  groupBlocks: ({ pairs }) =>
    growingTeachers(pairs.filter(({ teacher }) => teacher.startsWith('resnet'))),
  reading: [
    'The paper’s gain of a ++ row is over the number that it prints for the base, which in its main table was made in another recipe; the measured gain is over the same recipe with the ND weight 0.',
    'CRD++ and SRRL++ are not in the paper.',
    'Under growing teachers: the slope is the least-squares rise of the student’s top-1, in points, for a teacher of ten times the parameters.',
  ],
  sources: tables.flatMap((name) => knownOf(name)),
};

import { sampleRankCorrelation } from 'simple-statistics';
import { paperTable } from '../../paper';
import { columnNote, summaryCell } from '../cells';
import type { Block, TableBlock } from '../document';
import { toFixed2, toSigned2 } from '../numbers';
import { bySize, growingTeachers, millions } from './growing-teachers';
import { column, knownOf } from './method-table';
import type { StudyGroup, StudyPair, StudyView } from './model';

const imagenet = 'scalable-teachers';

/** Larger teachers. */
export const teachers: StudyView = {
  title: 'Teachers of growing size',
  asks: 'Does a student learn more from a larger teacher, and does ND make that so? And do larger students gain more under one teacher?',
  comparable:
    'The paper’s numbers are on ImageNet: what can be compared is whether the accuracy rises with the teacher’s size, with and without ND.',
  groupBlocks,
  reading: [
    'Slope: the least-squares rise of the student’s top-1, in points, for a teacher of ten times the parameters; one slope a seed, the interval by Student’s t over the seeds. Each teacher was trained once: what another training of the same teacher would give is not in the interval.',
    'Orders as steep: of all orders in which the sizes could stand, the share whose slope is at least as steep upwards. It needs no seeds; with three sizes it is never below 1/6, with four never below 1/24.',
    'The student alone learns from no teacher: its runs beside one teacher stand beside all.',
  ],
  sources: [
    ...knownOf(imagenet),
    'On ImageNet the teachers resnet34, 50, 101 and 152 belong to npm run reproduce:table2.',
  ],
};

function groupBlocks({ pairs }: StudyGroup): Block[] {
  return [
    ...growingTeachers(pairs),
    ...bySize(pairs, 'student').flatMap(([teacher, own]) => teacherBlocks(teacher, own)),
    paperTableBlock(),
  ];
}

/** Larger students under one teacher. */
function teacherBlocks(teacher: string, pairs: readonly StudyPair[]): Block[] {
  const rows = pairs.flatMap((pair) =>
    pair.rows.filter((row) => row.top1 !== null).map((row) => ({ pair, row })),
  );
  const all = rows.map(({ row }) => row);
  return [
    { kind: 'heading', text: `Larger students under ${teacher}` },
    {
      kind: 'table',
      caption: `Students of growing size under ${teacher} (${columnNote})`,
      head: [
        'student',
        'method',
        'top-1, last epoch',
        column.overStudent.head,
        column.overBase.head,
      ],
      rows: rows.map(({ pair, row }) => ({
        cells: [
          `${pair.student} (${millions(pair.studentParameters)})`,
          row.label,
          summaryCell(row.top1),
          row.method === 'student' ? '' : column.overStudent.of(row, all),
          column.overBase.of(row, all),
        ],
        strong: row.method.endsWith('++'),
      })),
    },
  ];
}

/** The paper's own numbers, on ImageNet. */
function paperTableBlock(): TableBlock {
  const { pairs, rows } = paperTable(imagenet);
  return {
    kind: 'table',
    caption: 'The paper, on ImageNet: ResNet-18 by its teacher',
    head: ['method', ...pairs.map(({ printed }) => printed), 'rank correlation'],
    rows: rows.map(({ method, printed, values }) => {
      const numbers = pairs.map(({ pair }) => values[pair] ?? Number.NaN);
      return {
        cells: [
          printed,
          ...numbers.map(toFixed2),
          toSigned2(sampleRankCorrelation([...numbers.keys()], numbers)),
        ],
        strong: method.endsWith('++'),
      };
    }),
  };
}

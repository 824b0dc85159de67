import { optionError, unknownName } from '../lib/errors';
import { modelNames } from '../lib/models/registry';
import { runWhenMain } from './grid/command';
import type { GridOptions, GridStudy, ScaleDefaults } from './grid/settings';
import { studyView } from './grid/study-view';

const few = 'resnet14,resnet20,resnet56';
const family = 'resnet14,resnet20,resnet32,resnet44,resnet56,resnet110,resnet32x4';
const kdRows = 'student,kd,kd++';

/** `resnet14:resnet8,resnet20:resnet8`: every teacher with every student. */
function pairsBetween(teachers: string, students: string): string {
  return students
    .split(',')
    .flatMap((student) =>
      teachers.split(',').map((teacher) => `${teacher.trim()}:${student.trim()}`),
    )
    .join(',');
}

const view = studyView({
  name: 'teachers',
  description:
    'Larger teachers: one student under teachers of growing size, with and without ND, and larger students ' +
    'under one teacher. Does the student’s accuracy rise with the teacher’s size?',
  defaults: {
    quick: {
      pairs: pairsBetween('resnet14,resnet20,resnet32', 'resnet8'),
      methods: kdRows,
      seeds: '1',
    },
    short: {
      pairs: pairsBetween(few, 'resnet8'),
      methods: `${kdRows},dkd,dkd++`,
      seeds: '1',
    },
    reduced: {
      pairs: pairsBetween('resnet14,resnet20,resnet32', 'resnet8'),
      methods: kdRows,
      seeds: '1,2,3',
    },
    paper: { pairs: pairsBetween(family, 'resnet20'), seeds: '1,2,3' },
  },
  pairsByScale:
    'for quick and reduced resnet8 under resnet14, 20 and 32; for short under 14, 20 and 56; for paper resnet20 under resnet14, 20, 32, 44, 56, 110 and 32x4',
  methodsByScale: 'for quick and reduced student, kd and kd++; for short DKD’s too; for paper: all',
  asks: `The paper shows this on ImageNet, ResNet-18 under ResNet-34, 50, 101 and 152: those pairs belong to
npm run reproduce:table2 -- --pairs resnet34:resnet18,resnet50:resnet18,resnet101:resnet18,resnet152:resnet18,
whose table shows the trend over the teachers in the same way. A student alone is trained once and stands beside all its teachers.
A program of yours runs a grid of its own with sweep() (docs/extending.md).`,
  examples: [
    '--list',
    '--scale short --data-dir ~/data --teacher-models resnet14,resnet20,resnet32,resnet56 --students resnet8 --results mine',
    '--scale short --data-dir ~/data --teacher-models resnet56 --students resnet8,resnet14,resnet20 --results mine',
  ],
});

/** Scalable teachers. */
export const teachersStudy: GridStudy = {
  ...view,
  sharedBaselines: true,
  addOptions: (command) =>
    command
      .option('--teacher-models <list>', 'the teachers: each with each student (not with --pairs)')
      .option('--students <list>', 'the students (not with --pairs)'),
  pairsOf: ownPairs,
};

function ownPairs(
  { pairs, teacherModels, students }: GridOptions,
  defaults: ScaleDefaults,
): string | undefined {
  if (teacherModels === undefined && students === undefined) return undefined;
  if (pairs !== undefined) {
    throw optionError`pairs are named either one by one or by their teachers and students (--pairs): found '${pairs}'. Leave out --pairs, or --teacher-models and --students`;
  }
  const known = defaults.pairs.split(',').map((pair) => pair.split(':'));
  const distinct = (index: number): string =>
    [...new Set(known.map((models) => models[index]))].join(',');
  requireModels(teacherModels, '--teacher-models');
  requireModels(students, '--students');
  return pairsBetween(teacherModels ?? distinct(0), students ?? distinct(1));
}

function requireModels(list: string | undefined, option: string): void {
  for (const name of list?.split(',').map((word) => word.trim()) ?? []) {
    if (!modelNames.includes(name)) throw unknownName('model', name, modelNames, option);
  }
}

runWhenMain(module, teachersStudy);

import { LabError, unknownName } from '../lib/errors';
import {
  type Cell,
  gridOf,
  type Pair,
  pairName,
  parseMethods,
  parsePairs,
  parseSeeds,
} from '../lib/study/grid';
import { type Scale, scales } from '../lib/results/schema';
import { scaledToEpochs, type TrainingRecipe } from '../lib/train/recipe';
import { paperPairs, table1Methods, table1Recipe } from './recipes/table1';
import { teacherRecipe } from './recipes/teacher';
import type { Table1Options } from './table1-command';

/** The rows of the smaller scales: all but ReviewKD's, whose fusion blocks take as long again. */
const logitMethods = 'student,kd,kd++,dkd,dkd++,dist,dist++';

/** What each scale is unless the options say otherwise. */
const scaleDefaults: Readonly<
  Record<
    Scale,
    {
      data: string;
      pairs: string;
      methods: string;
      seeds: string;
      epochs: number;
      teacherEpochs: number;
      batch?: number;
      learningRate?: number;
    }
  >
> = {
  quick: {
    data: 'fashion-mnist',
    pairs: 'resnet20:resnet8',
    methods: logitMethods,
    seeds: '1',
    epochs: 3,
    teacherEpochs: 4,
    batch: 128,
    // A tenth of a warm-up is no warm-up: at the paper's 0.1 DKD's weights throw so short a run off.
    learningRate: 0.02,
  },
  short: {
    data: 'cifar100',
    pairs: 'resnet20:resnet8',
    methods: logitMethods,
    seeds: '1',
    epochs: 20,
    teacherEpochs: 20,
  },
  paper: {
    data: 'cifar100',
    pairs: Object.keys(paperPairs).join(','),
    methods: table1Methods.join(','),
    seeds: '1,2,3',
    epochs: 240,
    teacherEpochs: 240,
  },
};

/** The seed of teachers that are trained here; students of all seeds share the teacher. */
export const teacherSeed = 0;

/** The options, checked and completed. */
export interface Table1Settings {
  readonly scale: Scale;
  readonly data: string;
  readonly pairs: readonly Pair[];
  readonly methods: readonly string[];
  readonly cells: readonly Cell[];
  readonly recipeOf: (cell: Cell) => TrainingRecipe;
  readonly teacherRecipeOf: (model: string) => TrainingRecipe;
  readonly givenTeachers: ReadonlyMap<string, { weights: string; classMeans?: string }>;
}

/**
 * Checks the options and completes them from the scale's defaults.
 *
 * @throws LabError of kind `option` that names the option.
 */
export function table1Settings(options: Table1Options): Table1Settings {
  const scale = scales.find((known) => known === options.scale);
  if (scale === undefined) throw unknownName('scale', options.scale, scales, '--scale');
  const defaults = scaleDefaults[scale];
  const pairs = parsePairs(options.pairs ?? defaults.pairs);
  const methods = parseMethods(options.methods ?? defaults.methods, table1Methods);
  const seeds = parseSeeds(options.seeds ?? defaults.seeds);
  const epochs = wholeNumber('--epochs', options.epochs) ?? defaults.epochs;
  const teacherEpochs =
    wholeNumber('--teacher-epochs', options.teacherEpochs) ?? defaults.teacherEpochs;
  const batchSize = wholeNumber('--batch', options.batch) ?? defaults.batch;
  const { learningRate } = defaults;
  return {
    scale,
    data: options.data ?? defaults.data,
    pairs,
    methods,
    cells: gridOf(pairs, methods, seeds),
    recipeOf: (cell) => ({
      ...inBatchesOf(batchSize, scaledToEpochs(table1Recipe(cell, cell.method), epochs)),
      ...(learningRate === undefined ? {} : { learningRate }),
    }),
    teacherRecipeOf: (model) =>
      inBatchesOf(batchSize, scaledToEpochs(teacherRecipe(model), teacherEpochs)),
    givenTeachers: givenTeachers(options, pairs),
  };
}

function inBatchesOf(batchSize: number | undefined, recipe: TrainingRecipe): TrainingRecipe {
  return batchSize === undefined ? recipe : { ...recipe, batchSize };
}

function givenTeachers(
  { teacherWeights, classMeans }: Table1Options,
  pairs: readonly Pair[],
): Table1Settings['givenTeachers'] {
  if (teacherWeights === undefined) {
    if (classMeans === undefined) return new Map();
    throw new LabError({
      kind: 'option',
      what: 'class means belong to a teacher that is given',
      where: '--class-means',
      remedy: 'Give the teacher too, with --teacher-weights',
    });
  }
  const teachers = [...new Set(pairs.map(({ teacher }) => teacher))];
  const [teacher] = teachers;
  if (teacher === undefined || teachers.length > 1) {
    throw new LabError({
      kind: 'option',
      what: 'one file of weights cannot serve several teachers',
      where: '--teacher-weights',
      found: pairs.map(pairName).join(', '),
      remedy: 'Name pairs of one teacher with --pairs',
    });
  }
  return new Map([
    [teacher, { weights: teacherWeights, ...(classMeans === undefined ? {} : { classMeans }) }],
  ]);
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new LabError({
    kind: 'option',
    what: 'a whole number of at least 1 is needed',
    where: option,
    found: `'${text}'`,
    remedy: `Write for example ${option} 8`,
  });
}

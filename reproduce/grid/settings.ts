import { LabError, unknownName } from '../../lib/errors';
import {
  type Cell,
  gridOf,
  type Pair,
  parseMethods,
  parsePairs,
  parseSeeds,
} from '../../lib/study/grid';
import { type JobChoice, parseGpus } from '../../lib/study/graphics-jobs';
import { cellsOfShard, parseShard } from '../../lib/study/shard';
import { type Scale, scales } from '../../lib/results/schema';
import { scaledToEpochs, type TrainingRecipe } from '../../lib/train/recipe';
import { table1Recipe, table1TeacherRecipe } from '../recipes/table1';
import { studentAloneOnce } from './alone-once';
import type { GridOptions } from './command';
import type { GridStudy } from './study';
import { type ChosenTeachers, chooseTeachers } from './teachers';

/** What each scale is, for all views alike, since they share their runs. */
const scaleSettings: Readonly<
  Record<
    Scale,
    {
      data: string;
      epochs: number;
      teacherEpochs: number;
      batch?: number;
      learningRate?: number;
    }
  >
> = {
  quick: {
    data: 'fashion-mnist',
    epochs: 3,
    teacherEpochs: 4,
    batch: 128,
    // A tenth of a warm-up is no warm-up: at the paper's 0.1 DKD's weights throw so short a run off.
    learningRate: 0.02,
  },
  short: { data: 'cifar100', epochs: 20, teacherEpochs: 20 },
  paper: { data: 'cifar100', epochs: 240, teacherEpochs: 240 },
};

/** As `--methods` names the teacher's own row: its run, which other rows start by themselves. */
const teacherMethod = 'teacher';

/** The seed of teachers that are trained here; students of all seeds share the teacher. */
export const teacherSeed = 0;

/** The options, checked and completed. */
export interface GridSettings {
  readonly scale: Scale;
  readonly data: string;
  readonly pairs: readonly Pair[];
  readonly methods: readonly string[];
  /** The whole grid, and what of it is to run here. */
  readonly grid: readonly Cell[];
  readonly cells: readonly Cell[];
  readonly jobs: JobChoice;
  readonly recipeOf: (cell: Cell) => TrainingRecipe;
  readonly teacherRecipeOf: (model: string) => TrainingRecipe;
  readonly givenTeachers: ChosenTeachers['given'];
  /** Whether a student alone that was trained beside one teacher serves for the others. */
  readonly aloneOnce: boolean;
  /** What the user should know of them, a line each. */
  readonly notes: readonly string[];
}

/**
 * Checks the options and completes them from the scale's defaults.
 *
 * @throws LabError of kind `option` that names the option.
 */
export function gridSettings(study: GridStudy, options: GridOptions): GridSettings {
  const scale = scales.find((known) => known === options.scale);
  if (scale === undefined) throw unknownName('scale', options.scale, scales, '--scale');
  const common = scaleSettings[scale];
  const own = study.defaults[scale];
  const pairs = parsePairs(study.pairsOf?.(options, own) ?? options.pairs ?? own.pairs);
  const known = study.methods();
  const methods = parseMethods(options.methods ?? own.methods ?? known.join(','), [
    teacherMethod,
    ...known,
  ]);
  const seeds = parseSeeds(options.seeds ?? own.seeds);
  const epochs = wholeNumber('--epochs', options.epochs) ?? common.epochs;
  const teacherEpochs =
    wholeNumber('--teacher-epochs', options.teacherEpochs) ?? common.teacherEpochs;
  const batchSize = wholeNumber('--batch', options.batch) ?? common.batch;
  const { learningRate } = common;
  const data = options.data ?? common.data;
  const teachers = chooseTeachers(options, { scale, data, pairs });
  const whole = gridOf(pairs, methods, seeds);
  const grid = study.aloneOnce === true ? studentAloneOnce(whole) : whole;
  return {
    scale,
    data,
    pairs,
    methods,
    grid,
    cells: partOf(grid, options),
    jobs: {
      jobs: wholeNumber('--jobs', options.jobs),
      gpus: options.gpus === undefined ? undefined : parseGpus(options.gpus),
    },
    recipeOf: (cell) => ({
      ...inBatchesOf(batchSize, scaledToEpochs(table1Recipe(cell, cell.method), epochs)),
      ...(learningRate === undefined ? {} : { learningRate }),
    }),
    teacherRecipeOf: (model) =>
      inBatchesOf(batchSize, scaledToEpochs(table1TeacherRecipe(model), teacherEpochs)),
    givenTeachers: teachers.given,
    aloneOnce: study.aloneOnce === true,
    notes: [...study.notes(pairs, methods), ...teachers.notes],
  };
}

function partOf(grid: readonly Cell[], { shard, resume }: GridOptions): readonly Cell[] {
  if (shard === undefined) return grid;
  if (!resume) {
    throw new LabError({
      kind: 'option',
      what: 'the parts of a grid share their teachers, and one would delete what another has trained',
      where: '--no-resume with --shard',
      remedy: 'Delete the folder of the study before the first part starts',
    });
  }
  return cellsOfShard(grid, parseShard(shard));
}

function inBatchesOf(batchSize: number | undefined, recipe: TrainingRecipe): TrainingRecipe {
  return batchSize === undefined ? recipe : { ...recipe, batchSize };
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

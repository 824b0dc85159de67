import { parsePrecision, type Precision } from '../../lib/engine/precision';
import { LabError, unknownName } from '../../lib/errors';
import { type Cell, gridOf, parseMethods, parsePairs, parseSeeds } from '../../lib/study/grid';
import { type JobChoice, parseGpus } from '../../lib/study/graphics-jobs';
import { cellsOfShard, parseShard } from '../../lib/study/shard';
import { type Scale, scales } from '../../lib/results/schema';
import { scaledToEpochs, type TrainingRecipe } from '../../lib/train/recipe';
import { studentAloneOnce } from './alone-once';
import { cifarScope } from './cifar-scope';
import type { GridOptions } from './command';
import { wholeNumber } from './options';
import type { GridScope, ScopeSetting } from './scope';
import type { GridStudy } from './study';
import type { ChosenTeachers } from './teachers';

/** As `--methods` names the teacher's own row: its run, which other rows start by themselves. */
const teacherMethod = 'teacher';

/** The seed of teachers that are trained here; students of all seeds share the teacher. */
export const teacherSeed = 0;

/** The options, checked and completed. */
export interface GridSettings extends ScopeSetting {
  readonly scope: GridScope;
  /** The data as the folder of runs names them. */
  readonly dataLabel: string;
  readonly precision: Precision;
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
  const { scope = cifarScope } = study;
  const common = scope.scales[scale];
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
  const precision = parsePrecision(options.precision ?? 'f32', '--precision');
  const setting = { scale, data: options.data ?? common.data ?? missingData(scale), pairs };
  scope.checkData(setting, options);
  const teachers = scope.chooseTeachers(options, setting);
  const whole = gridOf(pairs, methods, seeds).filter(
    (cell) => cell.method === teacherMethod || scope.has(cell, cell.method),
  );
  const adapted = (recipe: TrainingRecipe, over = recipe.epochs): TrainingRecipe => {
    const scaled = scaledToEpochs(recipe, over);
    const batched = batchSize === undefined ? scaled : scope.inBatches(scaled, batchSize);
    const typed = precision === 'bf16' ? { ...batched, precision } : batched;
    return scope.adapted(typed, setting, options);
  };
  const grid = study.aloneOnce === true ? studentAloneOnce(whole) : whole;
  return {
    ...setting,
    scope,
    dataLabel: scope.dataLabel(setting, options),
    precision,
    methods,
    grid,
    cells: partOf(grid, options),
    jobs: {
      jobs: wholeNumber('--jobs', options.jobs),
      gpus: options.gpus === undefined ? undefined : parseGpus(options.gpus),
    },
    recipeOf: (cell) => ({
      ...adapted(scope.recipe(cell, cell.method), epochs),
      ...(learningRate === undefined ? {} : { learningRate }),
    }),
    teacherRecipeOf: (model) => adapted(scope.teacherRecipe(model), teacherEpochs),
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

function missingData(scale: Scale): never {
  throw new LabError({
    kind: 'option',
    what: `--scale ${scale} needs data of yours`,
    where: '--data',
    remedy: 'Give --data folder:PATH, a folder with train/CLASS/… and val/CLASS/…',
  });
}

import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { datasetName, loadDataset } from '../../lib/data/registry';
import { requireDataset } from '../../lib/data/registry';
import { cacheRoot } from '../../lib/engine/cache';
import { requireWritable } from '../../lib/files';
import { type Classification, classification } from '../../lib/runs/classification';
import { type Pair, parsePairs } from '../../lib/runs/grid';
import { teacherMethod } from '../../lib/runs/plan';
import type { ByScale, CommonConfig } from '../../lib/runs/schema';
import { classifierRuns } from '../../lib/runs/store';
import { scaledToEpochs, type TrainingRecipe } from '../../lib/train/recipe';
import { olderRecipe } from '../recipes/older';
import { paperPairs, table1Recipe, table1TeacherRecipe } from '../recipes/table1';
import { datasetNames } from '../datasets';
import {
  atScale,
  type Choice,
  type GridOptions,
  refuseOtherCase,
  type Scope,
  type Settled,
  type Texts,
  wholeNumber,
} from './settings';
import { chooseTeachers } from './teachers';

/** How long classifiers are trained at a scale unless the options say otherwise; as their recipes say unless given. */
export interface ClassifierScale {
  readonly epochs?: number;
  readonly teacherEpochs?: number;
  readonly batch?: number;
  readonly learningRate?: number;
}

const scales: ByScale<ClassifierScale> = {
  quick: {
    epochs: 3,
    teacherEpochs: 4,
    batch: 128,
    // A tenth of a warm-up is no warm-up: at the paper's 0.1 DKD's weights throw so short a run off.
    learningRate: 0.02,
  },
  short: { epochs: 20, teacherEpochs: 20 },
  // The paper's recipes, milestones and warm-ups at the same fractions, as long as the smallest student needs.
  reduced: { epochs: 40, teacherEpochs: 40 },
  paper: { epochs: 240, teacherEpochs: 240 },
};

/** Table 1 and the studies that share its runs. */
export const cifarScope: Scope<Classification> = {
  prefix: 'table1-',
  store: classifierRuns,
  paper: {
    words: 'CIFAR-100, 240 epochs',
    data: 'cifar100',
    isLength: ({ epochs, batchSize }, cell) => {
      const own = table1Recipe(cell, cell.method);
      return epochs === own.epochs && batchSize === own.batchSize;
    },
    otherwise: "its accuracies cannot be compared with the paper's, its gains can",
  },
  estimatesMemory: false,
  data: { quick: 'fashion-mnist', short: 'cifar100', reduced: 'cifar100', paper: 'cifar100' },
  dataRemedy: 'Give --data',
  help: {
    get data() {
      return `${datasetNames()} (default: fashion-mnist, which is embedded, for quick; cifar100 for the other scales)`;
    },
    teachers:
      'published (npm run data -- cifar-teachers), trained (here), or auto: published at --scale paper ' +
      'on cifar100 where they are there, else trained (default: auto)',
  },
  addOptions: (command) =>
    classifierOptions(command).addOption(
      new Option(
        '--teacher-cache <where>',
        'keep what a teacher answers to each augmented image, for later epochs, methods, seeds and commands: auto (in the user’s cache), off, or a folder; the runs are the same to the byte',
      )
        .default('auto')
        .env('NORM_DIRECTION_LAB_TEACHER_CACHE'),
    ),
  parsePairs(text) {
    const pairs = parsePairs(text);
    refuseOtherCase(pairs, paperPairs);
    return pairs;
  },
  has: () => true,
  settle(options, choice) {
    const { data } = choice;
    requireDataset(data);
    const { given, notes } = chooseTeachers(options, choice);
    return {
      dataLabel: data,
      ...cifarRecipes(options, choice),
      givenTeachers: given,
      notes,
      async openTask(onProgress) {
        const teacherMemory = teacherCache(options);
        const dataset = await loadDataset(datasetName(data), {
          ...{ dataDir: options.dataDir, onProgress },
        });
        return classification(dataset, { teacherMemory });
      },
    };
  },
};

/** What trains classifiers takes. */
export const classifierOptions = (command: Command): Command =>
  command
    .option('--epochs <number>', 'epochs of each student (milestones and warm-ups shrink along)')
    .option('--teacher-epochs <number>', 'epochs of a teacher that is trained here')
    .option(
      '--teacher-weights <file>',
      'a trained teacher (.pth or .safetensors), for a single teacher',
    )
    .option(
      '--class-means <file>',
      'its class means (made when not given), or released: the paper’s files in DATA-DIR/class-means, as resnet56.json',
    );

const cifarRecipes = (
  options: RecipeOptions,
  { scale, precision }: Pick<Choice, 'scale' | 'precision'>,
): CellRecipes =>
  classifierRecipes(
    options,
    { precision },
    {
      scale: atScale(scales, scale)[1],
      recipe: table1Recipe,
      teacherRecipe: table1TeacherRecipe,
      inBatches: (recipe, batchSize) => ({ ...recipe, batchSize }),
    },
  );

/**
 * The recipes that a run of this scope may have in its length and batch: its cell's of today, and the one from
 * before. Undefined for a run of another scope.
 *
 * @throws LabError of kind `option` for a method or a pair that this package does not have.
 */
export function recipesOfRun(config: CommonConfig): readonly TrainingRecipe[] | undefined {
  const { study, pair, student, method, seed, recipe, batchSize } = config;
  if (!study.startsWith(cifarScope.prefix)) return undefined;
  const epochs = String((recipe['training'] as { readonly epochs?: unknown } | undefined)?.epochs);
  const { recipeOf, teacherRecipeOf } = cifarRecipes(
    { epochs, teacherEpochs: epochs, batch: String(batchSize) },
    config,
  );
  const now =
    method === teacherMethod
      ? teacherRecipeOf(student)
      : parsePairs(pair, 'pair').map((named) => recipeOf({ ...named, method, seed }))[0];
  return now && [now, olderRecipe(now)];
}

/**
 * The folder that `--teacher-cache` names, the usual one where it names nothing; undefined for none.
 *
 * @throws LabError of kind `file` for one of the user's in which nothing can be written.
 */
function teacherCache({ teacherCache: where = 'off' }: GridOptions): string | undefined {
  if (where === 'off') return undefined;
  if (where === 'auto' || where === '') return join(cacheRoot(), 'teachers');
  requireWritable(where, '--teacher-cache');
  return resolve(where);
}

type RecipeOptions = Texts<'epochs' | 'teacherEpochs' | 'batch'>;
type CellRecipes = Pick<Settled<Classification>, 'recipeOf' | 'teacherRecipeOf'>;

/** The recipes of a grid of classifiers in the length, the batch and the precision that are asked for. */
export function classifierRecipes(
  options: RecipeOptions,
  { precision }: Pick<Choice, 'precision'>,
  by: {
    readonly scale: ClassifierScale;
    readonly recipe: (pair: Pair, method: string) => TrainingRecipe;
    readonly teacherRecipe: (model: string) => TrainingRecipe;
    /** A recipe with another batch than its own. */
    readonly inBatches: (recipe: TrainingRecipe, batchSize: number) => TrainingRecipe;
    /** A recipe as it runs on the data. */
    readonly adapted?: (recipe: TrainingRecipe) => TrainingRecipe;
  },
): CellRecipes {
  const { scale, adapted = (recipe) => recipe } = by;
  const epochs = wholeNumber(options, 'epochs') ?? scale.epochs;
  const teacherEpochs = wholeNumber(options, 'teacherEpochs') ?? scale.teacherEpochs;
  const batchSize = wholeNumber(options, 'batch') ?? scale.batch;
  const changed = (recipe: TrainingRecipe, over = recipe.epochs): TrainingRecipe => {
    const scaled = scaledToEpochs(recipe, over);
    const batched = batchSize === undefined ? scaled : by.inBatches(scaled, batchSize);
    return adapted(precision === 'f32' ? batched : { ...batched, precision });
  };
  const { learningRate } = scale;
  return {
    recipeOf: (cell) => ({
      ...changed(by.recipe(cell, cell.method), epochs),
      ...(learningRate === undefined ? {} : { learningRate }),
    }),
    teacherRecipeOf: (model) => changed(by.teacherRecipe(model), teacherEpochs),
  };
}

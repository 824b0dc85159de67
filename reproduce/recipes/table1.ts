import { join } from 'node:path';
import {
  crd,
  crossEntropy,
  dist,
  dkd,
  fitNet,
  kd,
  type LossTerm,
  normDirection,
  ofd,
  pkt,
  reviewKd,
  rkd,
  warmUp,
} from '../../lib/distill/terms';
import { paperTable } from '../../lib/paper';
import type { RunConfig } from '../../lib/runs/schema';
import { type Pair, pairName } from '../../lib/runs/grid';
import type { TrainingRecipe } from '../../lib/train/recipe';
import { definitionsBelow, definitionsOf } from '../definitions';
import { checkedCells } from './check';
import { paperRecipe, publishedRecipe } from './cifar';
import { type RecipeRegistry, recipeRegistry } from './registry';
import { studyCells } from './studies';
import { type CellRecipe, type Rows, tableCells, withBases } from './table1-cell';

/** What differs between the pairs of table 1; where each number comes from stands in docs/table1.md. */
interface Weights {
  /** Learning rate of the `++` rows; the published recipes have half of it, and half the batch. */
  readonly lr: number;
  readonly kd: readonly [kd: number, nd: number];
  readonly dist: readonly [dist: number, nd: number];
  readonly dkd: readonly [alpha: number, beta: number, nd: number];
  readonly reviewkd: readonly [reviewkd: number, nd: number];
  /** Of the published recipes: DKD's beta and ReviewKD's weight. */
  readonly published: readonly [beta: number, reviewkd: number];
}

// prettier-ignore
const pairs: Readonly<Record<string, Weights>> = {
  'resnet56:resnet20':    { lr: 0.1,  kd: [1, 2],     dist: [2, 1],   dkd: [2.5, 4, 3.5], reviewkd: [1.2, 1], published: [2, 0.6] },
  'wrn_40_2:wrn_40_1':    { lr: 0.1,  kd: [1, 1.5],   dist: [2.5, 3], dkd: [1, 6, 1],     reviewkd: [5, 4],   published: [6, 5] },
  'resnet32x4:resnet8x4': { lr: 0.1,  kd: [3.5, 2],   dist: [1.5, 4], dkd: [2, 8, 0.5],   reviewkd: [8, 1],   published: [8, 5] },
  'ResNet50:MobileNetV2': { lr: 0.02, kd: [3, 0.5],   dist: [7, 1],   dkd: [0.5, 8, 1],   reviewkd: [6, 2],   published: [8, 8] },
  'resnet32x4:ShuffleV1': { lr: 0.02, kd: [2.5, 1.5], dist: [2.5, 3], dkd: [0.5, 8, 4],   reviewkd: [7, 1],   published: [8, 5] },
  'resnet32x4:ShuffleV2': { lr: 0.02, kd: [4, 0.5],   dist: [3, 4],   dkd: [0.5, 6, 0.5], reviewkd: [8, 1.5], published: [8, 8] },
};

const teacherRecipe = publishedRecipe([crossEntropy()]);

/** Every row, in the paper's order; the recipe of a base, `kd`, follows from its `++` row. */
const rows: Rows<Weights> = {
  teacher: () => teacherRecipe,
  'student-published': (pair) => published(pair),
  student: ({ lr }) => paperRecipe([crossEntropy()], { learningRate: lr }),
  fitnet: (pair) => published(pair, fitNet({ weight: 100, hintLayer: 2 })),
  rkd: (pair) => published(pair, rkd({ weight: 1, distance: 25, angle: 50 })),
  pkt: (pair) => published(pair, pkt({ weight: 30_000 })),
  ofd: (pair) => published(pair, ofd({ weight: 0.001 })),
  crd: (pair) =>
    published(
      pair,
      crd({ weight: 0.8, size: 128, negatives: 16_384, temperature: 0.07, momentum: 0.5 }),
    ),
  'reviewkd-published': ({ lr, published: [, weight] }) => ({
    ...publishedRecipe([crossEntropy(), warmUp(20, reviewKd({ weight }))], { learningRate: lr }),
    batchSize: 128,
    optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: true },
  }),
  'kd-published': ({ lr }) =>
    publishedRecipe([crossEntropy({ weight: 0.1 }), kd({ weight: 0.9, temperature: 4 })], {
      learningRate: lr / 2,
    }),
  'dist-published': (pair) =>
    published(pair, dist({ weight: 2, beta: 1, gamma: 1, temperature: 4 })),
  'dkd-published': (pair) =>
    published(pair, warmUp(20, dkd({ alpha: 1, beta: pair.published[0], temperature: 4 }))),
  ...withBases<Weights>({
    'kd++': ({ lr, kd: [weight, nd] }) => plusPlus(lr, kd({ weight, temperature: 4 }), nd),
    'dist++': ({ lr, dist: [weight, nd] }) =>
      plusPlus(lr, dist({ weight, beta: 1, gamma: 1, temperature: 4 }), nd),
    'dkd++': ({ lr, dkd: [alpha, beta, nd] }) =>
      plusPlus(lr, dkd({ alpha, beta, temperature: 4 }), nd),
    'reviewkd++': ({ lr, reviewkd: [weight, nd] }) => plusPlus(lr, reviewKd({ weight }), nd),
  }),
};

/** Cross entropy, the distillation term growing over twenty epochs, and ND whole from the first. */
function plusPlus(lr: number, term: LossTerm, nd: number): CellRecipe {
  return paperRecipe([crossEntropy(), warmUp(20, term), normDirection({ weight: nd })], {
    learningRate: lr,
  });
}

function published({ lr }: Weights, ...terms: LossTerm[]): CellRecipe {
  return publishedRecipe([crossEntropy(), ...terms], { learningRate: lr / 2 });
}

/** A pair that has no recipe of its own takes this pair's: of the same family, without an adapter. */
const fallbackPair = 'resnet56:resnet20';

/** The paper's pairs, in the table's order. */
export const paperPairs: readonly string[] = paperTable('table1').pairs.map(({ pair }) => pair);

let made: RecipeRegistry | undefined;

/** This file's recipes, the studies' and the user's, put together when they are first needed. */
function registry(): RecipeRegistry {
  made ??= recipeRegistry(
    checkedCells([
      { file: __filename, cells: [...tableCells(pairs, rows), ...studyCells] },
      ...definitionsOf('table1', join(__dirname, 'table1')),
      ...definitionsBelow(join(__dirname, 'studies'), {}),
    ]),
    { pairs: paperPairs, fallbackPair: () => fallbackPair, fallbackTeacher: teacherRecipe },
  );
  return made;
}

/**
 * What `--methods` takes: the rows that can be run, in the table's order, a published recipe
 * (`kd-published`) before the `++` recipe without ND (`kd`); then one's own.
 *
 * @throws LabError of kind `option` or `file` that names a faulty file of recipes; so do those below.
 */
export function table1Methods(): readonly string[] {
  return registry().methods;
}

/**
 * The recipe of a method on a pair. A pair that the paper does not have takes those of
 * resnet56 → resnet20 with its own student, but for what has a file of its own.
 *
 * @throws LabError of kind `option` for a method that is neither among `table1Methods` nor a study's.
 */
export function table1Recipe(pair: Pair, method: string): TrainingRecipe {
  return registry().recipe(pair, method);
}

/** The recipe of a teacher that is trained here. */
export function table1TeacherRecipe(model: string): TrainingRecipe {
  return registry().teacher(model);
}

/**
 * Whether a run has the recipe behind the paper's number. The base of a `++` row never has: the paper's
 * plain rows come from other code with recipes of their own, `kd-published` and so on.
 */
export function isPaperRecipe(config: RunConfig): boolean {
  return registry().isPaperRecipe(config);
}

/** A line for each pair that takes another's recipes. */
export function fallbackNotes(chosen: readonly Pair[], methods: readonly string[]): string[] {
  return chosen.flatMap((pair) => {
    const taken = registry().fallbacks(pair, methods);
    return taken.length === 0
      ? []
      : [`${pairName(pair)} takes the recipes of ${fallbackPair} for ${taken.join(', ')}.`];
  });
}

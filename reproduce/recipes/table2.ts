import { join } from 'node:path';
import {
  crd,
  crossEntropy,
  dkd,
  kd,
  mixedNormDirection,
  normDirection,
  reviewKd,
  type ReviewKdOptions,
  softCrossEntropy,
  srrl,
  tokenDistillation,
  warmUp,
} from '../../lib/distill/terms';
import { type PaperTableName, paperTable } from '../../lib/paper';
import type { RunConfig } from '../../lib/runs/schema';
import { type Pair, pairName } from '../../lib/runs/grid';
import type { TrainingRecipe } from '../../lib/train/recipe';
import { definitionsOf } from '../definitions';
import { type CellOfFile, checkedCells } from './check';
import {
  deitPublishedRecipe,
  deitRecipe,
  paperRecipe,
  publishedRecipe,
  torchvisionRecipe,
} from './imagenet';
import { type RecipeRegistry, recipeRegistry } from './registry';
import { type Rows, tableCells, withBases } from './table1-cell';

/** The paper's ImageNet tables: the main one, larger teachers, larger students, vision transformers as teachers, DeiT. */
export const imageNetTables = [
  'table2',
  'scalable-teachers',
  'larger-students',
  'vit-teachers',
  'deit',
] as const satisfies readonly PaperTableName[];

/** What differs between the pairs; where each number comes from stands in docs/table2.md. */
interface Weights {
  readonly kd: readonly [kd: number, nd: number];
  readonly dkd: readonly [alpha: number, beta: number, nd: number];
  readonly reviewkd?: readonly [reviewkd: number, nd: number];
  /** What ReviewKD++ compares, where it is not a ResNet with another (docs/differences.md). */
  readonly compared?: ReviewKdOptions;
  /** Of the published recipes: DKD's beta and ReviewKD's weight. Such a pair has CRD and SRRL too. */
  readonly published?: readonly [beta: number, reviewkd: number];
  /** In whose recipe the student alone has its number. */
  readonly alone: 'torchvision' | 'mdistiller';
}

/** The released MobileNet shows its features before ReLU and has narrower fusion blocks. */
const ofMobileNet: ReviewKdOptions = {
  teacherStages: 'after ReLU',
  studentStages: 'before ReLU',
  mostMiddleChannels: 256,
};

// prettier-ignore
const pairs: Readonly<Record<string, Weights>> = {
  'resnet34:resnet18':              { kd: [2.5, 1], dkd: [0.8, 0.5, 1], reviewkd: [1, 3], alone: 'torchvision', published: [0.5, 1] },
  'resnet50:mobilenet_v1':          { kd: [4, 1],   dkd: [0.8, 1, 1],   reviewkd: [8, 4], compared: ofMobileNet, alone: 'mdistiller',  published: [2, 8] },
  'resnet50:resnet18':              { kd: [4, 1],   dkd: [0.6, 0.5, 2], reviewkd: [3, 2], alone: 'torchvision' },
  'resnet101:resnet18':             { kd: [3.5, 4], dkd: [0.8, 0.5, 1], reviewkd: [3, 1], alone: 'torchvision' },
  'resnet152:resnet18':             { kd: [4, 2],   dkd: [1, 1, 1],     reviewkd: [3, 1], alone: 'torchvision' },
  // The released scripts have no such pairs: the weights are those of ResNet-152 → ResNet-18.
  'resnet152:resnet34':             { kd: [4, 2],   dkd: [1, 1, 1],     reviewkd: [3, 1], alone: 'torchvision' },
  'resnet152:resnet50':             { kd: [4, 2],   dkd: [1, 1, 1],     reviewkd: [3, 1], alone: 'torchvision' },
  'resnet152:resnet101':            { kd: [4, 2],   dkd: [1, 1, 1],     reviewkd: [3, 1], alone: 'torchvision' },
  'vit_small_patch16_224:resnet18': { kd: [1.5, 1], dkd: [1, 1, 2],                       alone: 'torchvision' },
  'vit_base_patch16_224:resnet18':  { kd: [2, 1],   dkd: [1.4, 0.5, 2],                   alone: 'torchvision' },
};

const torchvision = torchvisionRecipe([crossEntropy()]);

/** Every row; the recipe of a base, `kd`, follows from its `++` row. */
const rows: Rows<Weights> = {
  teacher: () => torchvision,
  'student-published': ({ alone }) =>
    alone === 'torchvision' ? torchvision : publishedRecipe([crossEntropy()], { batchSize: 256 }),
  student: () => paperRecipe([crossEntropy()]),
  'reviewkd-published': ({ published }) =>
    published &&
    publishedRecipe([crossEntropy(), reviewKd({ weight: published[1] })], { batchSize: 256 }),
  'kd-published': ({ published }) =>
    published &&
    publishedRecipe([crossEntropy({ weight: 0.5 }), kd({ weight: 0.5, temperature: 1 })]),
  'dkd-published': ({ published }) =>
    published &&
    publishedRecipe([crossEntropy(), dkd({ alpha: 1, beta: published[0], temperature: 1 })]),
  ...withBases<Weights>({
    // The paper has no row of these two: the weight of ND is ours.
    'crd++': ({ published }) =>
      published &&
      publishedRecipe(
        [
          crossEntropy(),
          crd({ weight: 0.8, size: 128, negatives: 16_384, temperature: 0.07, momentum: 0.5 }),
          normDirection({ weight: 1 }),
        ],
        { batchSize: 256 },
      ),
    'srrl++': ({ published }) =>
      published &&
      publishedRecipe([crossEntropy(), srrl({ weight: 1 }), normDirection({ weight: 1 })]),
    'kd++': ({ kd: [weight, nd] }) =>
      paperRecipe([
        crossEntropy(),
        warmUp(5, kd({ weight, temperature: 1 })),
        normDirection({ weight: nd }),
      ]),
    'reviewkd++': ({ reviewkd, compared = { teacherStages: 'after ReLU' } }) =>
      reviewkd &&
      paperRecipe([
        crossEntropy(),
        warmUp(5, reviewKd({ weight: reviewkd[0], ...compared })),
        normDirection({ weight: reviewkd[1] }),
      ]),
    // Here alone ND warms up too, as in the released train_dkd.py.
    'dkd++': ({ dkd: [alpha, beta, nd] }) =>
      paperRecipe([
        crossEntropy(),
        warmUp(5, dkd({ alpha, beta, temperature: 1 })),
        warmUp(5, normDirection({ weight: nd })),
      ]),
  }),
};

const deitPair = 'regnety_160:deit_base_distilled_patch16_224';

const deitRows: Rows<unknown> = {
  teacher: () => torchvision,
  student: () => deitRecipe([softCrossEntropy({ smoothing: 0.1 })]),
  'deit-published': () =>
    deitPublishedRecipe([
      softCrossEntropy({ weight: 0.5, smoothing: 0.1 }),
      tokenDistillation({ weight: 0.5, kind: 'hard' }),
    ]),
  ...withBases({
    'deit++': () =>
      deitRecipe([
        softCrossEntropy({ smoothing: 0.1 }),
        warmUp(5, tokenDistillation({ weight: 0.5, kind: 'hard' })),
        mixedNormDirection({ weight: 1.5, smoothing: 0.1 }),
      ]),
  }),
};

/** Whose recipes a pair takes that has none of its own: DeiT's rows have a pair of theirs. */
function fallbackPair(method: string): string {
  return method.startsWith('deit') ? deitPair : 'resnet34:resnet18';
}

/** The pairs that have recipes of their own, in the tables' order. */
export const paperPairs: readonly string[] = [
  ...new Set(imageNetTables.flatMap((name) => paperTable(name).pairs.map(({ pair }) => pair))),
];

let made: { readonly registry: RecipeRegistry; readonly cells: readonly CellOfFile[] } | undefined;

/** This file's recipes and the user's, put together when they are first needed. */
function table(): NonNullable<typeof made> {
  if (made === undefined) {
    const cells = checkedCells([
      {
        file: __filename,
        cells: [...tableCells(pairs, rows), ...tableCells({ [deitPair]: null }, deitRows)],
      },
      ...definitionsOf('table2', join(__dirname, 'table2')),
    ]);
    const registry = recipeRegistry(cells, {
      pairs: paperPairs,
      fallbackPair,
      fallbackTeacher: torchvision,
    });
    made = { registry, cells };
  }
  return made;
}

/**
 * What `--methods` takes: the rows that can be run.
 *
 * @throws LabError as `table1Methods` does; so do those below.
 */
export function table2Methods(): readonly string[] {
  return table().registry.methods;
}

/**
 * The recipe of a method on a pair; a pair that the paper does not have takes those of
 * resnet34 → resnet18, or DeiT's.
 */
export function table2Recipe(pair: Pair, method: string): TrainingRecipe {
  return table().registry.recipe(pair, method);
}

/** The recipe of a teacher that is trained here: torchvision's. */
export function table2TeacherRecipe(model: string): TrainingRecipe {
  return table().registry.teacher(model);
}

/** Whether a run has the recipe behind the paper's number. */
export function isPaperRecipe(config: RunConfig): boolean {
  return table().registry.isPaperRecipe(config);
}

/** Whether a pair has a row: those of the paper have their own ones alone. */
export function hasTable2Cell(pair: Pair, method: string): boolean {
  const name = pairName(pair);
  if (!paperPairs.includes(name)) return true;
  return table().cells.some(
    ({ cell }) => cell.pair === name && Object.hasOwn(cell.recipes, method),
  );
}

/** A line for each pair that takes another's recipes. */
export function fallbackNotes(chosen: readonly Pair[], methods: readonly string[]): string[] {
  return chosen.flatMap((pair) => {
    const taken = table().registry.fallbacks(pair, methods);
    return [...new Set(taken.map(fallbackPair))].map((other) => {
      const rowsOfIt = taken.filter((method) => fallbackPair(method) === other);
      return `${pairName(pair)} takes the recipes of ${other} for ${rowsOfIt.join(', ')}.`;
    });
  });
}

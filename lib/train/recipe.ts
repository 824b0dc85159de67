import { z } from 'zod';
import { dataError, optionError, unknownName } from '../errors';
import { checkTerm, type LossTerm } from '../distill/term';
import { definitionOf, type Method } from '../distill/terms';
import {
  batchesOfEpoch,
  isBatchSource,
  requireInMemoryAugmentation,
  type TrainingData,
} from './batch-source';
import { type LinearStart, linearStarts } from '../nn/layers';
import type { OptimiserOptions } from './optimiser';
import type { Schedule } from './schedule';
import type { WeightAverageOptions } from './weight-average';

/** Everything that decides what a training run computes, but for the seed and the data. */
export interface TrainingRecipe {
  readonly student: string;
  readonly method: Method;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly schedule: Schedule;
  readonly optimiser: OptimiserOptions;
  readonly augmentation: Augmentation;
  /** Samples that are computed at once, where a whole batch does not fit into memory. */
  readonly microBatch?: number;
  /** The gradients' norm is cut off at this. */
  readonly clipNorm?: number;
  /** The student is evaluated and saved with the running average of its weights. */
  readonly weightAverage?: WeightAverageOptions;
  /** `bf16`: the networks that have it compute in bfloat16 while they train; `tf32`: in TF32; float32 when missing. */
  readonly precision?: 'bf16' | 'tf32';
  /** An epoch's last batch is left out where it is short; it is trained on when missing. */
  readonly lastBatch?: 'left out';
  /** How images of a folder are scaled for evaluation; as the data set says, bilinearly, when missing. */
  readonly evaluation?: 'bicubic';
  /**
   * False: a student's batch norm counts each batch once. When missing, twice where the published model calls it
   * twice, once to show a feature: some norms of mdistiller's wide ResNets.
   */
  readonly repeatedNorms?: false;
  /**
   * Images of a batch of which batch norms take the statistics together, running ones of the first alone: what a
   * GPU gets where PyTorch spreads a batch over several. The whole batch when missing.
   */
  readonly imagesPerReplica?: number;
  /** How linear layers begin; the student's as in the published networks, the adapter's as PyTorch's, when missing. */
  readonly linearStart?: { readonly student?: LinearStart; readonly adapter?: LinearStart };
  /** Probability with which the student's last block is skipped for a sample; that of earlier ones rises to it. */
  readonly dropPath?: number;
}

/**
 * `pad-crop-flip`: pad 4, random crop, random flip; `none`: the images as they are. For folders that are
 * read as training goes on: `resized-crop-flip`, a random part of random shape scaled to the side, and a
 * flip; `deit`, DeiT's: with RandAugment, random erasing, and mixup or cutmix; `deit-by-256`: the same mixed
 * in parts of 256 images.
 */
const augmentations = [
  'pad-crop-flip',
  'none',
  'resized-crop-flip',
  'deit',
  'deit-by-256',
] as const;
type Augmentation = (typeof augmentations)[number];

const scheduleSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('step'),
    milestones: z.array(z.number()),
    factor: z.number().positive(),
  }),
  z.strictObject({
    kind: z.literal('cosine'),
    minimum: z.number().optional(),
    warmUpEpochs: z.number().min(0).optional(),
    warmUpFrom: z.number().optional(),
    over: z.enum(['all epochs', 'epochs after the warm-up']).optional(),
    by: z.enum(['epoch', 'step']).optional(),
  }),
]);

const sgdSchema = z.strictObject({
  momentum: z.number().min(0).lt(1),
  weightDecay: z.number().min(0),
  nesterov: z.boolean(),
  undecayed: z.literal('norms').optional(),
});

const adamWSchema = z.strictObject({
  kind: z.literal('adamw'),
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]),
  weightDecay: z.number().min(0),
  epsilon: z.number().positive().optional(),
  undecayed: z.array(z.string()).optional(),
  layerDecay: z.number().positive().optional(),
});

const linearStartSchema = z.enum(linearStarts).optional();

// Files of recipes are run without a compiler: a name that is not known here is a slip.
const recipeSchema = z.strictObject({
  student: z.string(),
  method: z.strictObject({ name: z.string(), terms: z.array(z.custom<LossTerm>()) }),
  epochs: z.int().positive(),
  batchSize: z.int().min(2),
  learningRate: z.number().positive(),
  schedule: scheduleSchema,
  optimiser: z.union([sgdSchema, adamWSchema]),
  augmentation: z.enum(augmentations),
  microBatch: z.int().min(2).optional(),
  clipNorm: z.number().positive().optional(),
  weightAverage: z.strictObject({ decay: z.number().min(0).lt(1) }).optional(),
  precision: z.enum(['bf16', 'tf32']).optional(),
  lastBatch: z.literal('left out').optional(),
  evaluation: z.literal('bicubic').optional(),
  repeatedNorms: z.literal(false).optional(),
  imagesPerReplica: z.int().min(2).optional(),
  linearStart: z
    .strictObject({ student: linearStartSchema, adapter: linearStartSchema })
    .optional(),
  dropPath: z.number().min(0).lt(1).optional(),
});

/** Over how many replicas PyTorch would spread a recipe's batch; 1 where it says nothing of them. */
export function replicasOf({
  batchSize,
  imagesPerReplica = batchSize,
}: Pick<TrainingRecipe, 'batchSize' | 'imagesPerReplica'>): number {
  return Math.max(1, Math.round(batchSize / imagesPerReplica));
}

/**
 * Checks what the types cannot.
 *
 * @throws LabError of kind `option`.
 */
export function checkRecipe(recipe: TrainingRecipe): void {
  const result = recipeSchema.safeParse(recipe);
  if (result.success) {
    recipe.method.terms.forEach(checkTerm);
    return;
  }
  const [issue] = result.error.issues;
  if (issue?.code === 'unrecognized_keys' && issue.path.length === 0) {
    const known = Object.keys(recipeSchema.shape);
    throw unknownName(
      'field of a recipe',
      issue.keys[0] ?? '',
      known,
      `method ${recipe.method.name}`,
    );
  }
  throw optionError`the recipe cannot be trained (${issue?.path.join('.') ?? 'recipe'}): found ${issue?.message ?? 'an unknown fault'}. Give a whole number of epochs of at least 1, batches of at least 2, a learning rate above 0, shares below 1`;
}

/**
 * Checks that a recipe can run on a data set, before anything is trained.
 *
 * @throws LabError when the batch is larger than the data set, there are too few classes, or images in
 * memory are to be augmented as only read ones are.
 */
export function requireRecipeFits(recipe: TrainingRecipe, dataset: TrainingData): void {
  checkRecipe(recipe);
  batchesOfEpoch(dataset, recipe);
  if (!isBatchSource(dataset)) requireInMemoryAugmentation(recipe.augmentation, dataset.name);
  const classes = dataset.classes.length;
  for (const term of recipe.method.terms) {
    const { fewestClasses = 2 } = definitionOf(term);
    if (classes >= fewestClasses) continue;
    throw dataError`the loss '${term.loss}' needs at least ${fewestClasses} classes (method ${recipe.method.name}): found ${classes} in ${dataset.name}. Leave the method out with --methods, or take a data set with more classes`;
  }
}

/**
 * The same recipe over another number of epochs: milestones and warm-ups shrink in proportion, so that
 * a short run passes through the same phases.
 */
export function scaledToEpochs(recipe: TrainingRecipe, epochs: number): TrainingRecipe {
  const ratio = epochs / recipe.epochs;
  if (ratio === 1) return recipe;
  const { schedule, method } = recipe;
  return {
    ...recipe,
    epochs,
    schedule: scaledSchedule(schedule, ratio),
    method: scaledWarmUps(method, ratio),
  };
}

/** The method with its terms' warm-ups so many times as long. */
export function scaledWarmUps(method: Method, ratio: number): Method {
  return {
    ...method,
    terms: method.terms.map((term) =>
      term.warmUpEpochs === undefined ? term : { ...term, warmUpEpochs: term.warmUpEpochs * ratio },
    ),
  };
}

function scaledSchedule(schedule: Schedule, ratio: number): Schedule {
  if (schedule.kind === 'step') {
    return { ...schedule, milestones: scaledMilestones(schedule.milestones, ratio) };
  }
  const { warmUpEpochs } = schedule;
  return warmUpEpochs === undefined
    ? schedule
    : { ...schedule, warmUpEpochs: warmUpEpochs * ratio };
}

/** Those that fall on the same epoch count once: a run of few epochs has fewer phases. None falls before the first. */
function scaledMilestones(milestones: readonly number[], ratio: number): number[] {
  return [...new Set(milestones.map((epoch) => Math.max(1, Math.round(epoch * ratio))))];
}

import {
  crossEntropy,
  dist,
  dkd,
  kd,
  type LossTerm,
  type Method,
  normDirection,
  reviewKd,
  warmUp,
} from '../../../lib/distill/terms';
import { unknownName } from '../../../lib/errors';
import { hashJson } from '../../../lib/results/canonical';
import type { RunConfig } from '../../../lib/results/schema';
import { type Pair, pairName } from '../../../lib/study/grid';
import type { TrainingRecipe } from '../../../lib/train/recipe';
import { distillationRecipe } from '../cifar';
import { resnet32x4ToResnet8x4 } from './resnet32x4-resnet8x4';
import { resnet32x4ToShuffleV1 } from './resnet32x4-ShuffleV1';
import { resnet32x4ToShuffleV2 } from './resnet32x4-ShuffleV2';
import { resnet50ToMobileNetV2 } from './ResNet50-MobileNetV2';
import { wrn40x2ToWrn40x1 } from './wrn-40-2-wrn-40-1';
import { resnet56ToResnet20 } from './resnet56-resnet20';
import type { PairWeights } from './weights';

/** The paper's pairs, in the table's order. */
export const paperPairs: Readonly<Record<string, PairWeights>> = {
  'resnet56:resnet20': resnet56ToResnet20,
  'wrn_40_2:wrn_40_1': wrn40x2ToWrn40x1,
  'resnet32x4:resnet8x4': resnet32x4ToResnet8x4,
  'ResNet50:MobileNetV2': resnet50ToMobileNetV2,
  'resnet32x4:ShuffleV1': resnet32x4ToShuffleV1,
  'resnet32x4:ShuffleV2': resnet32x4ToShuffleV2,
};

/** The epochs over which the KD, DKD, DIST and ReviewKD terms grow to their weight; ND has no warm-up. */
const warmUpEpochs = 20;

/** Each row after its cross entropy: what the method adds. */
const rows: Readonly<Record<string, (weights: PairWeights) => LossTerm[]>> = {
  student: () => [],
  kd: ({ kd: { weight } }) => [warmUp(warmUpEpochs, kd({ weight }))],
  'kd++': ({ kd: { weight, nd } }) => [
    warmUp(warmUpEpochs, kd({ weight })),
    normDirection({ weight: nd }),
  ],
  dkd: ({ dkd: { alpha, beta } }) => [warmUp(warmUpEpochs, dkd({ alpha, beta }))],
  'dkd++': ({ dkd: { alpha, beta, nd } }) => [
    warmUp(warmUpEpochs, dkd({ alpha, beta })),
    normDirection({ weight: nd }),
  ],
  reviewkd: ({ reviewkd: { weight } }) => [warmUp(warmUpEpochs, reviewKd({ weight }))],
  'reviewkd++': ({ reviewkd: { weight, nd } }) => [
    warmUp(warmUpEpochs, reviewKd({ weight })),
    normDirection({ weight: nd }),
  ],
  dist: ({ dist: { weight } }) => [warmUp(warmUpEpochs, dist({ weight }))],
  'dist++': ({ dist: { weight, nd } }) => [
    warmUp(warmUpEpochs, dist({ weight })),
    normDirection({ weight: nd }),
  ],
};

/** The rows of the table that can be run, in its order. */
export const table1Methods: readonly string[] = Object.keys(rows);

/**
 * The recipe of a cell of table 1. A pair that the paper does not have takes the weights of
 * resnet56 → resnet20, the paper's pair of the same family without an adapter.
 *
 * @throws LabError of kind `option` for a method that is not among `table1Methods`.
 */
export function table1Recipe(pair: Pair, method: string): TrainingRecipe {
  const row = Object.hasOwn(rows, method) ? rows[method] : undefined;
  if (row === undefined) throw unknownName('method', method, table1Methods, '--methods');
  const weights = paperPairs[pairName(pair)] ?? resnet56ToResnet20;
  const named: Method = { name: method, terms: [crossEntropy(), ...row(weights)] };
  return distillationRecipe(pair.student, named, weights.learningRate);
}

/**
 * Whether a run has the recipe behind the paper's number. Only the `++` rows can: the paper's other
 * rows come from other code with other recipes (batch 64, no Nesterov, other weights).
 */
export function isPaperRecipe({ pair, method, recipe }: RunConfig): boolean {
  const [teacher, student] = pair.split(':');
  if (!method.endsWith('++') || !Object.hasOwn(paperPairs, pair) || !teacher || !student) {
    return false;
  }
  return hashJson(recipe['training']) === hashJson(table1Recipe({ teacher, student }, method));
}

import type * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { createModel, modelNames } from '../models/registry';
import type { Model } from '../nn/model';
import { type CaseOutcome, type Checker, NotAvailable, readReference } from './checker';
import {
  compareNumber,
  compareNumbers,
  compareText,
  euclideanNorm,
  meanOf,
  type Mismatch,
} from './compare';
import { deterministic, sizeOf } from './deterministic';
import { channelsLast } from './images';
import { checkTraining, trainingForm } from './models-training';
import { tidied } from '../engine/tidied';
import { deterministicWeights } from './weights';

/** Share of the largest entry by which float32 on another engine may differ. */
const tolerance = 1e-4;

const featureForm = z.object({
  shape: z.array(z.number().int()),
  mean: z.number(),
  l2: z.number(),
});
const modelForm = z.object({
  name: z.string(),
  prefix: z.string(),
  inputShape: z.tuple([z.number(), z.number(), z.number(), z.number()]),
  parameters: z.number().int(),
  stateDict: z.array(z.tuple([z.string(), z.array(z.number().int())])),
  labels: z.array(z.number().int()),
  embedding: z.array(z.number()).optional(),
  logits: z.array(z.number()),
  features: z.array(featureForm).optional(),
  preactFeatures: z.array(featureForm).optional(),
  train: trainingForm.optional(),
});
const form = z.object({ models: z.array(modelForm) });

type ModelEntry = z.infer<typeof modelForm>;
type FeatureEntry = z.infer<typeof featureForm>;

/**
 * State dict, parameter count, a forward pass in eval mode and one step forward and back in training
 * mode of every model in `models-cifar.json` or `models-imagenet.json`.
 */
export function modelsChecker(entry: string): Checker {
  return {
    entry,
    cases: (path) =>
      readReference(path, form).models.map((model) => ({
        name: model.name,
        run: () => check(model),
      })),
  };
}

function check(entry: ModelEntry): CaseOutcome {
  if (!modelNames.includes(entry.name)) throw new NotAvailable(`model '${entry.name}'`);
  const [batch, , imageSize] = entry.inputShape;
  const model = createModel(entry.name, { classes: entry.logits.length / batch, imageSize });
  try {
    const misnamed = checkStateDict(model, entry);
    if (misnamed.length > 0) return { mismatches: misnamed };
    const weights = deterministicWeights(entry.prefix, entry.stateDict);
    model.loadStateDict(weights);
    const evaluation = [
      ...compareText('parameter count', entry.parameters, model.state.parameterCount),
      ...checkEvaluation(model, entry),
    ];
    if (entry.train === undefined) return { mismatches: evaluation };
    const training = checkTraining(model, entry.train, {
      weights,
      labels: entry.labels,
      input: deterministic(`${entry.prefix}/input`, entry.inputShape),
      inputShape: entry.inputShape,
    });
    return { ...training, mismatches: [...evaluation, ...training.mismatches] };
  } finally {
    model.dispose();
  }
}

/** Names, order and shapes; the first one that differs. */
function checkStateDict(model: Model, { stateDict }: ModelEntry): Mismatch[] {
  const found = [...model.stateDict()].map(([name, { shape }]) => describe(name, shape));
  const expected = stateDict.map(([name, shape]) => describe(name, shape));
  const index = expected.findIndex((line, place) => line !== found[place]);
  return index < 0
    ? compareText('number of entries of the state dict', expected.length, found.length)
    : compareText(
        `entry ${index} of the state dict`,
        expected[index] ?? 'none',
        found[index] ?? 'none',
      );
}

function checkEvaluation(model: Model, entry: ModelEntry): Mismatch[] {
  const found = tidied(() => {
    const { prefix, inputShape } = entry;
    const images = channelsLast(deterministic(`${prefix}/input`, inputShape), inputShape);
    const output = model.forward(images, { training: false });
    return {
      logits: output.logits.dataSync<'float32'>(),
      embedding: output.embedding.dataSync<'float32'>(),
      features: output.features.map(readFeature),
      preActivations: output.preActivations.map(readFeature),
    };
  });
  const { embedding, features, preactFeatures } = entry;
  return [
    ...compareNumbers('logits', entry.logits, found.logits, { tolerance }),
    ...(embedding === undefined
      ? []
      : compareNumbers('embedding', embedding, found.embedding, { tolerance })),
    ...(features === undefined ? [] : compareFeatures('feature', features, found.features)),
    ...(preactFeatures === undefined
      ? []
      : compareFeatures('feature before ReLU', preactFeatures, found.preActivations)),
  ];
}

interface FeatureStatistics {
  readonly shape: number[];
  readonly mean: number;
  readonly l2: number;
}

/** Shape in PyTorch's order (batch, channels, height, width), mean and Euclidean norm. */
function readFeature(feature: tf.Tensor4D): { shape: number[]; mean: number; l2: number } {
  const [batch, height, width, channels] = feature.shape;
  const values = feature.dataSync();
  return {
    shape: [batch, channels, height, width],
    mean: meanOf(values),
    l2: euclideanNorm(values),
  };
}

function compareFeatures(
  quantity: string,
  expected: readonly FeatureEntry[],
  found: readonly FeatureStatistics[],
): Mismatch[] {
  if (expected.length !== found.length) {
    return compareText(`number of entries called '${quantity}'`, expected.length, found.length);
  }
  return expected.flatMap(({ shape, mean, l2 }, index) => {
    const other = found[index] ?? { shape: [], mean: NaN, l2: NaN };
    // The mean may be near 0 by cancellation: what its difference is measured by is the root mean square.
    const scale = l2 / Math.sqrt(sizeOf(shape));
    return [
      ...compareText(`shape of ${quantity} ${index}`, shape.join(' × '), other.shape.join(' × ')),
      ...compareNumber(`mean of ${quantity} ${index}`, mean, other.mean, { tolerance, scale }),
      ...compareNumber(`norm of ${quantity} ${index}`, l2, other.l2, { tolerance }),
    ];
  });
}

function describe(name: string, shape: readonly number[]): string {
  return `${name} [${shape.join(', ')}]`;
}

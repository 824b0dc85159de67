import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { tidied } from '../engine/tidy';
import { crossEntropyLoss } from '../losses';
import { createModel, modelNames } from '../models/registry';
import type { Model } from '../nn/model';
import type { StateDict } from '../nn/state';
import { lossAndGradients } from '../train/gradients';
import {
  type CaseOutcome,
  type Checker,
  compareNumber,
  compareNumbers,
  compareStages,
  compareText,
  disturb,
  type Disturbance,
  euclideanNorm,
  meanOf,
  type Mismatch,
  NotAvailable,
  readReference,
  type Stage,
} from './compare';
import {
  channelsLast,
  deterministic,
  deterministicWeights,
  type ImageShape,
  sizeOf,
} from './deterministic';

/** Share by which a loss, a gradient's norm or a running statistic may differ in float32. */
const trainingTolerance = 1e-4;
/** In deep networks, where a ReLU that opens by rounding moves all gradients before it. */
const largestAllowance = 1e-2;

/** Forward and back once in training mode: loss, norm of each gradient, running statistics after. */
const trainingForm = z.object({
  loss: z.number(),
  gradNorms: z.record(z.string(), z.number()),
  running: z.record(z.string(), z.number()),
});
type TrainingEntry = z.infer<typeof trainingForm>;

/** What the step is computed from. */
interface TrainingInputs {
  readonly weights: StateDict;
  readonly labels: readonly number[];
  /** In PyTorch's order of axes. */
  readonly input: Float32Array;
  readonly inputShape: ImageShape;
}

/** What one step measured, by the names of the state dict. */
interface TrainingStep {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, number>;
  readonly statistics: ReadonlyMap<string, number>;
}

/** Compares one training step of a model, whose weights it changes. */
function checkTraining(model: Model, entry: TrainingEntry, inputs: TrainingInputs): CaseOutcome {
  const expected = stagesOf({
    loss: entry.loss,
    gradients: new Map(Object.entries(entry.gradNorms)),
    statistics: new Map(Object.entries(entry.running)),
  });
  const names = { gradients: Object.keys(entry.gradNorms), statistics: Object.keys(entry.running) };
  return compareStages(
    expected,
    (disturbance) => {
      const { loss, gradients, statistics } = trainOnce(model, inputs, disturbance);
      return stagesOf({
        loss,
        gradients: pick(gradients, names.gradients),
        statistics: pick(statistics, names.statistics),
      });
    },
    { tolerance: trainingTolerance, largestAllowance },
  );
}

/** In the order in which a step computes them. */
function stagesOf({ loss, gradients, statistics }: TrainingStep): Stage[] {
  return [
    {
      name: [...statistics.keys()].map((name) => `after a training step, norm of ${name}`),
      values: [...statistics.values()],
    },
    { name: 'training loss', values: [loss] },
    {
      name: [...gradients.keys()].map((name) => `gradient norm of ${name}`),
      values: [...gradients.values()],
      // The gradient of a bias before a batch norm is 0; what remains of it is the rounding of others.
      smallest: 0.05,
    },
  ];
}

function pick(
  values: ReadonlyMap<string, number>,
  names: readonly string[],
): ReadonlyMap<string, number> {
  return new Map(names.map((name) => [name, values.get(name) ?? NaN]));
}

function trainOnce(model: Model, inputs: TrainingInputs, disturbance: Disturbance): TrainingStep {
  model.loadStateDict(inputs.weights);
  const parameters = model.state.trainable;
  const gradients = new Map<string, number>();
  const loss = tf.tidy(() => {
    const images = channelsLast(disturb(inputs.input, disturbance), inputs.inputShape);
    const labels = tf.tensor1d([...inputs.labels], 'int32');
    const result = lossAndGradients(
      () => crossEntropyLoss(model.forward(images, { training: true }).logits, labels),
      parameters,
    );
    parameters.forEach(({ name }, index) => {
      gradients.set(name, euclideanNorm(result.gradients[index]?.dataSync() ?? []));
    });
    return result.loss.dataSync()[0] ?? NaN;
  });
  const statistics = new Map<string, number>();
  for (const [name, { data }] of model.stateDict()) statistics.set(name, euclideanNorm(data));
  return { loss, gradients, statistics };
}

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
  const index = expected.findIndex((line, index) => line !== found[index]);
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

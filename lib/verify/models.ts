import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { tidied } from '../engine/tidy';
import { crossEntropyLoss } from '../losses';
import { createModel, modelName, modelNames } from '../models/registry';
import type { Model } from '../nn/model';
import type { StateDict } from '../nn/state';
import { lossAndGradients } from '../train/gradients';
import {
  type CaseOutcome,
  type Checker,
  compareNumbers,
  compareStages,
  compareText,
  type Disturbance,
  euclideanNorm,
  type Mismatch,
  namedStage,
  NotAvailable,
  readReference,
  type Stage,
} from './compare';
import { deterministicWeights } from './deterministic';
import { compareFeatures, disturbWeights, gradientNorms, imagesOf, readFeature } from './networks';

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
  readonly images: (disturbance: Disturbance) => tf.Tensor4D;
}

/** What one step measured, by the names of the state dict. */
interface TrainingStep {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, number>;
  readonly statistics: ReadonlyMap<string, number>;
}

/** Compares one training step of a model, whose weights it changes. */
function checkTraining(
  model: Model,
  { loss, gradNorms, running }: TrainingEntry,
  inputs: TrainingInputs,
): CaseOutcome {
  const expected: TrainingStep = {
    loss,
    gradients: new Map(Object.entries(gradNorms)),
    statistics: new Map(Object.entries(running)),
  };
  return compareStages(
    stagesOf(expected, expected),
    (disturbance) => stagesOf(expected, trainOnce(model, inputs, disturbance)),
    { tolerance: trainingTolerance, largestAllowance },
  );
}

/** What is expected of a step, as it was found; in the order in which a step computes it. */
function stagesOf({ gradients, statistics }: TrainingStep, found: TrainingStep): Stage[] {
  const changed = (name: string): string => `after a training step, norm of ${name}`;
  return [
    namedStage([...statistics.keys()], found.statistics, changed),
    { name: 'training loss', values: [found.loss] },
    {
      ...namedStage([...gradients.keys()], found.gradients, (name) => `gradient norm of ${name}`),
      // The gradient of a bias before a batch norm is 0; what remains of it is the rounding of others.
      smallest: 0.05,
    },
  ];
}

function trainOnce(
  model: Model,
  { weights, labels, images }: TrainingInputs,
  disturbance: Disturbance,
): TrainingStep {
  model.loadStateDict(disturbWeights(weights, disturbance));
  const parameters = model.state.trainable;
  const names = parameters.map(({ name }) => name);
  const step = tidied(() => {
    const batch = images(disturbance);
    const truth = tf.tensor1d([...labels], 'int32');
    const { loss, gradients } = lossAndGradients(
      () => crossEntropyLoss(model.forward(batch, { training: true }).logits, truth),
      parameters,
    );
    return { loss: loss.dataSync()[0] ?? NaN, gradients: gradientNorms(names, gradients) };
  });
  const norms = [...model.stateDict()].map(
    ([name, { data }]) => [name, euclideanNorm(data)] as const,
  );
  return { ...step, statistics: new Map(norms) };
}

/** Share of the largest entry by which float32 on another engine may differ. */
const tolerance = 1e-4;

const featureForm = z
  .object({ shape: z.array(z.number().int()), mean: z.number(), l2: z.number() })
  .transform(({ l2, ...others }) => ({ ...others, norm: l2 }));
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
  const model = createModel(modelName(entry.name), {
    classes: entry.logits.length / batch,
    imageSize,
  });
  try {
    const misnamed = checkStateDict(model, entry);
    if (misnamed.length > 0) return { mismatches: misnamed };
    const weights = deterministicWeights(entry.prefix, entry.stateDict);
    model.loadStateDict(weights);
    const images = (disturbance: Disturbance): tf.Tensor4D =>
      imagesOf(`${entry.prefix}/input`, entry.inputShape, disturbance);
    const evaluation = [
      ...compareText('parameter count', entry.parameters, model.state.parameterCount),
      ...checkEvaluation(model, entry, images),
    ];
    if (entry.train === undefined) return { mismatches: evaluation };
    const { labels } = entry;
    const training = checkTraining(model, entry.train, { weights, labels, images });
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

function checkEvaluation(
  model: Model,
  { logits, embedding, features, preactFeatures }: ModelEntry,
  images: TrainingInputs['images'],
): Mismatch[] {
  const found = tidied(() => {
    const output = model.forward(images(undefined), { training: false });
    return {
      logits: output.logits.dataSync<'float32'>(),
      embedding: output.embedding.dataSync<'float32'>(),
      features: output.features.map(readFeature),
      preActivations: output.preActivations.map(readFeature),
    };
  });
  const named = (name: string): Parameters<typeof compareFeatures>[0] => ({
    all: `entries called '${name}'`,
    one: (index) => `${name} ${index}`,
  });
  return [
    ...compareNumbers('logits', logits, found.logits, { tolerance }),
    ...(embedding ? compareNumbers('embedding', embedding, found.embedding, { tolerance }) : []),
    ...(features ? compareFeatures(named('feature'), features, found.features, tolerance) : []),
    ...(preactFeatures
      ? compareFeatures(
          named('feature before ReLU'),
          preactFeatures,
          found.preActivations,
          tolerance,
        )
      : []),
  ];
}

function describe(name: string, shape: readonly number[]): string {
  return `${name} [${shape.join(', ')}]`;
}

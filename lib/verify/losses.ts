import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { tidied } from '../engine/tidy';
import {
  crossEntropyLoss,
  directionCosineLoss,
  directionInfoNceLoss,
  distLoss,
  dkdLoss,
  embeddingNorms,
  kdLoss,
  naiveNormLoss,
  normDirectionLoss,
  sifnLoss,
} from '../losses';
import {
  type CaseOutcome,
  type Checker,
  compareNumbers,
  NotAvailable,
  readReference,
} from './compare';
import { deterministic } from './deterministic';

/** Share of the largest entry by which a value or gradient may differ in float32. */
const tolerance = 1e-5;

const entryForm = z.object({
  value: z.number(),
  grad: z.array(z.number()),
  temperature: z.number().optional(),
  alpha: z.number().optional(),
  beta: z.number().optional(),
  gamma: z.number().optional(),
  step: z.number().optional(),
  previousNormFactor: z.number().optional(),
});
const scenarioForm = z.object({
  name: z.string(),
  prefix: z.string(),
  batch: z.number().int().positive(),
  dim: z.number().int().positive(),
  classes: z.number().int().positive(),
  studentScale: z.number(),
  labels: z.array(z.number().int()),
  losses: z.record(z.string(), entryForm),
});
const form = z.object({ cases: z.array(scenarioForm) });

type LossEntry = z.infer<typeof entryForm>;
type Scenario = z.infer<typeof scenarioForm>;

/** The tensors of a scenario, as the losses take them. */
interface LossInputs {
  readonly studentEmbedding: tf.Tensor2D;
  readonly teacherEmbedding: tf.Tensor2D;
  readonly studentLogits: tf.Tensor2D;
  readonly teacherLogits: tf.Tensor2D;
  readonly classMeans: tf.Tensor2D;
  readonly labels: tf.Tensor1D;
}

/** Values and gradients of every loss on deterministic inputs: `losses.json`. */
export const lossesChecker: Checker = {
  entry: 'losses.json',
  cases: (path) =>
    readReference(path, form).cases.flatMap((scenario) =>
      Object.entries(scenario.losses).map(([key, entry]) => ({
        name: `${scenario.name}/${key}`,
        run: () => check(scenario, key, entry),
      })),
    ),
};

function check(scenario: Scenario, key: string, entry: LossEntry): CaseOutcome {
  const name = key.split('@')[0] ?? key;
  const loss = ofEmbedding[name] ?? ofLogits[name];
  if (loss === undefined) throw new NotAvailable(`loss '${name}'`);
  const found = tidied(() => {
    const inputs = inputsOf(scenario);
    // tfjs types the function as one of any tensor; it is called with what the student gave alone.
    const ofStudent = (x: tf.Tensor): tf.Scalar => loss(x as tf.Tensor2D, inputs, entry);
    const { value, grad } = tf.valueAndGrad(ofStudent)(
      name in ofEmbedding ? inputs.studentEmbedding : inputs.studentLogits,
    );
    return { value: value.dataSync<'float32'>(), gradient: grad.dataSync<'float32'>() };
  });
  return {
    mismatches: [
      ...compareNumbers('value', [entry.value], found.value, { tolerance }),
      ...compareNumbers('gradient', entry.grad, found.gradient, { tolerance }),
    ],
  };
}

function inputsOf({ prefix, batch, dim, classes, studentScale, labels }: Scenario): LossInputs {
  const make = (name: string, shape: [number, number], scale = 1, shift = 0): tf.Tensor2D =>
    tf.tensor2d(deterministic(`${prefix}/${name}`, shape, scale, shift), shape);
  return {
    studentEmbedding: make('fs', [batch, dim], studentScale),
    teacherEmbedding: tf.abs(make('ft', [batch, dim])),
    studentLogits: make('ls', [batch, classes], 3),
    teacherLogits: make('lt', [batch, classes], 4),
    classMeans: make('centers', [classes, dim], 0.5, 0.5),
    labels: tf.tensor1d(labels, 'int32'),
  };
}

/** Losses by the names that the reference gives them; what it does not state keeps the loss's own default. */
type Losses = Readonly<
  Record<string, (student: tf.Tensor2D, inputs: LossInputs, stated: LossEntry) => tf.Scalar>
>;

const ofEmbedding: Losses = {
  nd: (student, { teacherEmbedding, labels, classMeans }) =>
    normDirectionLoss(student, teacherEmbedding, labels, classMeans),
  fdrCosine: (student, { labels, classMeans }) => directionCosineLoss(student, labels, classMeans),
  fdrInfoNCE: (student, { labels, classMeans }, stated) =>
    directionInfoNceLoss(student, labels, classMeans, stated),
  sifn: (student, { studentEmbedding }, { previousNormFactor = 1, ...stated }) =>
    sifnLoss(student, tf.mul(embeddingNorms(studentEmbedding), previousNormFactor), stated),
  naiveNorm: (student, { teacherEmbedding }) => naiveNormLoss(student, teacherEmbedding),
};

const ofLogits: Losses = {
  kd: (student, { teacherLogits }, stated) => kdLoss(student, teacherLogits, stated),
  dkd: (student, { teacherLogits, labels }, stated) =>
    dkdLoss(student, teacherLogits, labels, stated),
  dist: (student, { teacherLogits }, stated) => distLoss(student, teacherLogits, stated),
  crossEntropy: (student, { labels }) => crossEntropyLoss(student, labels),
};

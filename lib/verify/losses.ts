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

/** What a loss is differentiated by, and the loss as a function of it. */
interface LossAtStudent {
  readonly student: tf.Tensor2D;
  readonly loss: (student: tf.Tensor2D) => tf.Scalar;
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
  const setting = settings[name];
  if (setting === undefined) throw new NotAvailable(`loss '${name}'`);
  const found = tidied(() => {
    const { student, loss } = setting(inputsOf(scenario), entry);
    // tfjs types the function as one of any tensor; it is called with `student` alone.
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => loss(x as tf.Tensor2D))(student);
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

/** The losses by the names that the reference gives them. */
const settings: Readonly<Record<string, (inputs: LossInputs, entry: LossEntry) => LossAtStudent>> =
  {
    nd: (inputs) =>
      ofEmbedding(inputs, (student) =>
        normDirectionLoss(student, inputs.teacherEmbedding, inputs.labels, inputs.classMeans),
      ),
    fdrCosine: (inputs) =>
      ofEmbedding(inputs, (student) =>
        directionCosineLoss(student, inputs.labels, inputs.classMeans),
      ),
    fdrInfoNCE: (inputs, { temperature }) =>
      ofEmbedding(inputs, (student) =>
        directionInfoNceLoss(student, inputs.labels, inputs.classMeans, given({ temperature })),
      ),
    sifn: (inputs, { step, previousNormFactor = 1 }) =>
      ofEmbedding(inputs, (student) => {
        const norms = embeddingNorms(inputs.studentEmbedding);
        return sifnLoss(student, tf.mul(norms, previousNormFactor), given({ step }));
      }),
    naiveNorm: (inputs) =>
      ofEmbedding(inputs, (student) => naiveNormLoss(student, inputs.teacherEmbedding)),
    kd: (inputs, { temperature }) =>
      ofLogits(inputs, (student) => kdLoss(student, inputs.teacherLogits, given({ temperature }))),
    dkd: (inputs, { alpha, beta, temperature }) =>
      ofLogits(inputs, (student) =>
        dkdLoss(student, inputs.teacherLogits, inputs.labels, given({ alpha, beta, temperature })),
      ),
    dist: (inputs, { beta, gamma, temperature }) =>
      ofLogits(inputs, (student) =>
        distLoss(student, inputs.teacherLogits, given({ beta, gamma, temperature })),
      ),
    crossEntropy: (inputs) =>
      ofLogits(inputs, (student) => crossEntropyLoss(student, inputs.labels)),
  };

function ofEmbedding(inputs: LossInputs, loss: LossAtStudent['loss']): LossAtStudent {
  return { student: inputs.studentEmbedding, loss };
}

function ofLogits(inputs: LossInputs, loss: LossAtStudent['loss']): LossAtStudent {
  return { student: inputs.studentLogits, loss };
}

/** The options that the reference states; the others keep the loss's own defaults. */
function given<Name extends string>(
  options: Readonly<Record<Name, number | undefined>>,
): Partial<Record<Name, number>> {
  const stated = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(stated) as Partial<Record<Name, number>>;
}

import { z } from 'zod';
import { crossEntropy, type LossTerm, normDirection, warmUp } from '../distill/terms';
import { random } from '../engine/random';
import { tidied } from '../engine/tidy';
import { createModel, modelName, modelNames } from '../models/registry';
import type { Model } from '../nn/model';
import { createLearner, type Learner } from '../train/learner';
import {
  type CaseOutcome,
  type Checker,
  compareStages,
  type Disturbance,
  NotAvailable,
  readReference,
  type Stage,
} from './compare';
import { deterministic, deterministicLabels, type ImageShape } from './deterministic';
import { batchOf, distillationOf, imagesOf, setWeights } from './networks';

/** Share by which each step's loss, and the largest logit after the last, may differ in float32. */
const tolerance = 1e-3;
/** The first step's losses are computed from given weights: nothing has been amplified yet. */
const firstStepTolerance = 1e-4;
/** Of late steps, where a run amplifies rounding. */
const largestAllowance = 0.05;
/** Images of the input that the student is evaluated on after its last step. */
const evaluationImages = 4;
const side = 32;

const stepForm = z.object({ loss: z.number(), ce: z.number(), kd: z.number(), nd: z.number() });
const runForm = z.object({
  student: z.string(),
  teacher: z.string(),
  method: z.string(),
  prefix: z.string(),
  steps: z.number().int().positive(),
  batch: z.number().int().positive(),
  learningRate: z.number(),
  momentum: z.number(),
  weightDecay: z.number(),
  nesterov: z.boolean(),
  epoch: z.number(),
  warmUpEpochs: z.number(),
  weights: z.object({ kd: z.number(), nd: z.number(), alpha: z.number(), beta: z.number() }),
  inputScale: z.number(),
  trace: z.array(stepForm),
  evalLogits: z.array(z.number()),
});
const form = z.object({ runs: z.array(runForm) });

type Run = z.infer<typeof runForm>;
type Step = z.infer<typeof stepForm>;

const parts = ['loss', 'ce', 'kd', 'nd'] as const;

/** Short training runs of a student under a teacher, step by step: `trajectories.json`. */
export const trajectoriesChecker: Checker = {
  entry: 'trajectories.json',
  cases: (path) =>
    readReference(path, form).runs.map((run) => ({
      name: `${run.teacher} → ${run.student}, ${run.method}`,
      run: () => check(run),
    })),
};

/** What a run gives: each step's losses, and the student's logits after the last step. */
interface RunResult {
  readonly trace: readonly Step[];
  readonly evalLogits: readonly number[];
}

function check(run: Run): CaseOutcome {
  return compareStages(stagesOf(run), (disturbance) => stagesOf(simulate(run, disturbance)), {
    tolerance,
    largestAllowance,
  });
}

function stagesOf({ trace, evalLogits }: RunResult): Stage[] {
  return [
    ...trace.map((step, index) => ({
      name: parts.map((part) => `step ${index}, ${part}`),
      values: parts.map((part) => step[part]),
      ...(index === 0 ? { strict: firstStepTolerance } : {}),
    })),
    { name: 'logits after the last step', values: evalLogits },
  ];
}

function simulate(run: Run, disturbance: Disturbance): RunResult {
  const terms = termsOf(run);
  const models = [run.student, run.teacher];
  const missing = models.find((name) => !modelNames.includes(name));
  if (missing !== undefined) throw new NotAvailable(`model '${missing}'`);
  const classes = run.evalLogits.length / evaluationImages;
  const [student, teacher] = models.map((name) => createModel(modelName(name), { classes }));
  if (student === undefined || teacher === undefined) throw new Error('two models were made');
  setWeights(student.state, `${run.prefix}/student`, disturbance);
  setWeights(teacher.state, `${run.prefix}/teacher`, disturbance);
  const { embeddingSize } = teacher;
  const learner = createLearner({
    student,
    teacher: {
      model: teacher,
      classMeans: deterministic(`${run.prefix}/centers`, [classes, embeddingSize], 0.5, 0.5),
    },
    method: { name: run.method, terms },
    optimiser: run,
    seed: 0,
    samples: run.batch,
    adapterDropout: 0,
  });
  try {
    if (learner.adapter) setWeights(learner.adapter.state, `${run.prefix}/adapter`, disturbance);
    const fusion = learner.objective.part('reviewKd')?.state;
    if (fusion) setWeights(fusion, `${run.prefix}/abfs`, disturbance);
    const trace = Array.from({ length: run.steps }, (_, index) =>
      step(learner, run, { index, classes, terms, disturbance }),
    );
    return { trace, evalLogits: evaluate(student, run) };
  } finally {
    learner.dispose();
    student.dispose();
    teacher.dispose();
  }
}

/** The method as a list of terms: cross entropy, the distillation term with its warm-up, and ND. */
function termsOf({ method, weights, warmUpEpochs }: Run): LossTerm[] {
  const { kd: weight, nd, alpha, beta } = weights;
  const [, distillation] = distillationOf(method, { weight, alpha, beta });
  return [
    crossEntropy(),
    warmUp(warmUpEpochs, distillation),
    ...(method.endsWith('++') ? [normDirection({ weight: nd })] : []),
  ];
}

interface StepOptions {
  readonly index: number;
  readonly classes: number;
  readonly terms: readonly LossTerm[];
  readonly disturbance: Disturbance;
}

function step(
  learner: Learner,
  { prefix, batch, inputScale, epoch, learningRate }: Run,
  { index, classes, terms, disturbance }: StepOptions,
): Step {
  return tidied(() => {
    const images = imagesOf(`${prefix}/x${index}`, shapeOf(batch), disturbance, inputScale);
    const labels = deterministicLabels(`${prefix}/y${index}`, batch, classes);
    const result = learner.step(batchOf(images, labels), {
      epoch,
      learningRate,
      random: random(0, 'verify'),
    });
    const termOf = (index: number): number =>
      index < terms.length ? (result.terms[index] ?? NaN) : 0;
    return { loss: result.total, ce: termOf(0), kd: termOf(1), nd: termOf(2) };
  });
}

function evaluate(student: Model, { prefix, inputScale }: Run): number[] {
  return tidied(() => {
    const images = imagesOf(`${prefix}/eval`, shapeOf(evaluationImages), undefined, inputScale);
    return [...student.forward(images, { training: false }).logits.dataSync()];
  });
}

function shapeOf(count: number): ImageShape {
  return [count, 3, side, side];
}

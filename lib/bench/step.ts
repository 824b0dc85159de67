import * as tf from '@tensorflow/tfjs';
import { median } from 'simple-statistics';
import { crossEntropy, kd, normDirection } from '../distill/terms';
import { inFloatType } from '../engine/operations/activations';
import type { Precision } from '../engine/precision';
import { random } from '../engine/random';
import { tidied } from '../engine/tidy';
import { engineError } from '../errors';
import { type PartTime, Tally } from '../detection/stopwatch';
import { createModel, modelName } from '../models/registry';
import type { ModelOutput } from '../nn/model';
import { tracedEvaluation } from '../nn/traced';
import {
  type Batch,
  createLearner,
  floatTypeOf,
  type Learner,
  type StepResult,
} from '../train/learner';
import type { TrainingRecipe } from '../train/recipe';
import type { TeacherMemory } from '../train/teacher-memory';

/** Hears that so many of the steps of something are done. */
export type OnBenchProgress = (what: string, done: number, total: number) => void;

/** Steps before the counted ones: kernels are chosen, memory is taken and functions are made in these. */
export const warmUpSteps = 6;

/** Milliseconds that a call took. */
export function timeOnce(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

/** Milliseconds that each of `count` calls took. */
export function timeEach(
  work: () => void,
  count: number,
  onCall?: (done: number) => void,
): number[] {
  return Array.from({ length: count }, (_, index) => {
    const ms = timeOnce(work);
    onCall?.(index + 1);
    return ms;
  });
}

/** Median, least and most of some times. */
export interface TimeSummary {
  readonly ms: number;
  readonly minMs: number;
  readonly maxMs: number;
}

export function summarise(times: readonly number[]): TimeSummary {
  return { ms: median([...times]), minMs: Math.min(...times), maxMs: Math.max(...times) };
}

/** What some steps took while each of their operations was timed. */
interface StepProfile {
  /** A whole step, JavaScript and reading results included. */
  readonly ms: number;
  /** The slowest first. */
  readonly operations: readonly PartTime[];
}

type Execute = (name: string, ...rest: unknown[]) => unknown;

/** The two methods of the native backend through which every operation goes. */
const methods = ['executeSingleOutput', 'executeMultipleOutputs'] as const;

/**
 * Time by operation over some steps; native engine only (no operations elsewhere). The rest of a step's time is
 * JavaScript: the tape, tensors' records, reading results.
 */
export function profileOperations(step: () => unknown, steps: number): StepProfile {
  const tally = new Tally();
  // The methods belong to the backend's class; own properties of the same name hide them for a while.
  const backend = tf.backend() as unknown as Record<string, Execute | undefined>;
  const originals = methods.map((method) => backend[method]);
  methods.forEach((method, index) => {
    const original = originals[index];
    if (original === undefined) return;
    backend[method] = (name, ...rest) =>
      tally.time(name, () => original.call(backend, name, ...rest));
  });
  const began = performance.now();
  let whole = 0;
  try {
    for (let index = 0; index < steps; index++) step();
    whole = performance.now() - began;
  } finally {
    for (const method of methods) Reflect.deleteProperty(backend, method);
  }
  return { ms: whole / steps, operations: tally.average(steps) };
}

export interface BenchStepOptions {
  readonly teacher: string;
  readonly student: string;
  readonly batch: number;
  /** What both networks compute in, as far as they can; float32 by default. */
  readonly precision?: Precision;
  /** Hears of a network that stays in float32. */
  readonly onNotice?: (message: string) => void;
  /** Runs every operation by itself, without TensorFlow functions. */
  readonly eager?: boolean;
  /** Images, classes and recipe of another table than table 1. */
  readonly setting?: BenchSetting;
  /** 1e-3 by default. */
  readonly learningRate?: number;
  /** What the teacher answered is read from here and kept here, in steps whose views are known. */
  readonly memory?: (key: MemorySize) => TeacherMemory;
}

/** What a teacher's memory has to know of a step. */
interface MemorySize {
  /** Numbers of an embedding. */
  readonly size: number;
}

/** Which views of which training images a batch is said to hold. */
export type BenchViews = Required<Pick<Batch, 'indices' | 'views'>>;

/** What a step computes on. */
export interface BenchSetting {
  /** Side of the images. */
  readonly size: number;
  readonly classes: number;
  readonly recipe: Pick<
    TrainingRecipe,
    'method' | 'optimiser' | 'dropPath' | 'microBatch' | 'clipNorm' | 'weightAverage'
  >;
  /** Whether the images are mixed with others, as DeiT's are: λ is then 0.7. */
  readonly mixed?: boolean;
}

const mixLambda = 0.7;

export const cifarSetting: BenchSetting = {
  size: 32,
  classes: 100,
  recipe: {
    method: { name: 'kd++', terms: [crossEntropy(), kd(), normDirection({ weight: 2 })] },
    optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: true },
  },
};

/** A step, by default KD++'s on random images of 32 × 32 with 100 classes, and its parts; all return when it is computed. */
export interface BenchStep {
  /** Teacher forward, student forward and backward, losses, optimiser; with `memory` the teacher only where it must. */
  readonly whole: (views?: BenchViews) => StepResult;
  /** What the memory does in such a step, without the teacher: it must know these views. */
  readonly recall: (views: BenchViews) => void;
  /** The teacher's forward pass alone. */
  readonly teacher: () => void;
  /** The optimiser alone. */
  readonly optimiser: () => void;
  /** Trained numbers of the teacher and of the student. */
  readonly parameters: readonly [teacher: number, student: number];
  /** Time by operation over so many steps, each operation run by itself. */
  readonly profile: (steps: number) => StepProfile;
  readonly dispose: () => void;
}

function notRemembered(): never {
  throw engineError`a teacher's memory cannot be timed here: found an answer that was not remembered. See the notice above, and free some space among the temporary files`;
}

/** @throws LabError for an unknown model. */
export function createBenchStep(options: BenchStepOptions): BenchStep {
  const { batch, precision = 'f32', setting = cifarSetting, learningRate = 1e-3 } = options;
  const { size, classes, recipe, mixed = false } = setting;
  const student = createModel(modelName(options.student), {
    classes,
    imageSize: size,
    dropPath: recipe.dropPath ?? 0,
    seed: 1,
  });
  const teacher = createModel(modelName(options.teacher), { classes, imageSize: size, seed: 2 });
  const memory = options.memory?.({ size: teacher.embeddingSize });
  const draw = random(0, 'benchmark');
  const parts = {
    student,
    teacher: {
      model: teacher,
      classMeans: Float32Array.from({ length: classes * teacher.embeddingSize }, draw.uniform),
      memory,
    },
    method: recipe.method,
    optimiser: recipe.optimiser,
    microBatch: recipe.microBatch,
    clipNorm: recipe.clipNorm,
    average: recipe.weightAverage,
    precision,
    seed: 1,
  };
  const { onNotice } = options;
  const learner = createLearner({ ...parts, onNotice, functions: options.eager !== true });
  const mode = { training: false, features: false, preActivations: false };
  const frozen = options.eager === true ? undefined : tracedEvaluation(teacher, mode);
  const taught = (typed: tf.Tensor4D): ModelOutput =>
    frozen?.forward(typed) ?? teacher.forward(typed, mode);
  const images = tf.tensor4d(
    Float32Array.from({ length: batch * size * size * 3 }, () => draw.normal()),
    [batch, size, size, 3],
  );
  const labels = tf.tensor1d(
    Int32Array.from({ length: batch }, () => draw.integer(classes)),
    'int32',
  );
  const mix = mixed
    ? { partners: tf.reverse(labels), lambda: tf.fill<tf.Rank.R1>([batch], mixLambda) }
    : undefined;
  const trained = [
    ...[student, learner.adapter].flatMap((part) => part?.state.trainable ?? []),
    ...learner.objective.trainable,
  ];
  const gradients = trained.map(({ value }) => tf.zerosLike(value));
  const step = (stepped: Learner, views?: BenchViews): StepResult =>
    stepped.step({ images, labels, mix, ...views }, { epoch: 0, learningRate, random: draw });
  return {
    whole: (views) => step(learner, views),
    recall: (views) =>
      tidied(() => {
        const known = memory?.embeddings({ images, ...views }, notRemembered);
        if (known === undefined) notRemembered();
      }),
    teacher: () =>
      tidied(() => {
        const typed = inFloatType(images, floatTypeOf(teacher, precision));
        taught(typed).logits.dataSync();
      }),
    optimiser() {
      learner.optimiser.step(gradients, learningRate);
      // A GPU computes on after the call: reading a result waits for it.
      trained.at(-1)?.value.dataSync();
    },
    parameters: [teacher.state.parameterCount, student.state.parameterCount],
    profile(steps) {
      const eager = createLearner({ ...parts, functions: false });
      step(eager);
      const profile = profileOperations(() => step(eager), steps);
      eager.dispose();
      return profile;
    },
    dispose() {
      learner.dispose();
      frozen?.dispose();
      memory?.dispose();
      for (const item of [student, teacher, images, labels, ...gradients]) item.dispose();
      tf.dispose(mix);
    },
  };
}

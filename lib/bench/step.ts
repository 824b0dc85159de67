import * as tf from '@tensorflow/tfjs';
import { median } from 'simple-statistics';
import { crossEntropy, kd, normDirection } from '../distill/terms';
import { random } from '../engine/random';
import { tidied } from '../engine/tidied';
import { createModel } from '../models/registry';
import { peakMemoryMiB } from '../results/environment';
import { createLearner } from '../train/learner';
import { type OperationTime, profileOperations } from './profile';

export interface StepBenchmarkOptions {
  readonly teacher: string;
  readonly student: string;
  readonly batch: number;
  /** Steps that count; a few more come before them. */
  readonly iterations: number;
  /** Also time every operation, in steps of their own. */
  readonly profile?: boolean;
  readonly onStep?: (done: number, total: number) => void;
}

/** Medians over the counted steps. */
export interface StepBenchmark {
  /** One KD++ step: teacher forward, student forward and backward, losses, SGD. */
  readonly ms: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly imagesPerSecond: number;
  /** The teacher's forward pass, timed alone. */
  readonly teacherMs: number;
  readonly peakMemoryMiB: number;
  readonly operations?: readonly OperationTime[];
}

/** Steps before the counted ones: kernels are chosen and memory is taken in the first. */
const warmUps = 3;
const classes = 100;

/** Times KD++ steps on random images of 32 × 32 with 100 classes. */
export function benchmarkStep(options: StepBenchmarkOptions): StepBenchmark {
  const { batch, iterations, profile = false, onStep } = options;
  const student = createModel(options.student, { classes });
  const teacher = createModel(options.teacher, { classes });
  const draw = random(0, 'benchmark');
  const learner = createLearner({
    student,
    teacher: {
      model: teacher,
      classMeans: Float32Array.from({ length: classes * teacher.embeddingSize }, draw.uniform),
    },
    method: { name: 'kd++', terms: [crossEntropy(), kd(), normDirection({ weight: 2 })] },
  });
  const images = tf.tensor4d(
    Float32Array.from({ length: batch * 32 * 32 * 3 }, () => draw.normal()),
    [batch, 32, 32, 3],
  );
  const labels = tf.tensor1d(
    Int32Array.from({ length: batch }, () => draw.integer(classes)),
    'int32',
  );
  const step = (): unknown =>
    learner.step({ images, labels }, { epoch: 0, learningRate: 1e-3, random: draw });
  const forward = (): unknown =>
    tidied(() => teacher.forward(images, { training: false }).logits.dataSync());
  try {
    const times = timeAll(step, iterations, onStep);
    const teacherMs = median(timeAll(forward, iterations));
    const ms = median(times);
    return {
      ms,
      minMs: Math.min(...times),
      maxMs: Math.max(...times),
      imagesPerSecond: (1000 * batch) / ms,
      teacherMs,
      peakMemoryMiB: peakMemoryMiB(),
      ...(profile ? { operations: profileOperations(step, iterations) } : {}),
    };
  } finally {
    learner.dispose();
    for (const item of [student, teacher, images, labels]) item.dispose();
  }
}

function timeAll(
  work: () => unknown,
  iterations: number,
  onStep?: (done: number, total: number) => void,
): number[] {
  const total = warmUps + iterations;
  const times = Array.from({ length: total }, (_, index) => {
    const started = performance.now();
    work();
    onStep?.(index + 1, total);
    return performance.now() - started;
  });
  return times.slice(warmUps);
}

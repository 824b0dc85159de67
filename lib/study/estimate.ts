import * as tf from '@tensorflow/tfjs';
import { crossEntropy, kd } from '../distill/terms';
import { random } from '../engine/random';
import type { ImageDataset } from '../data/types';
import { createModel } from '../models/registry';
import { createLearner } from '../train/learner';

/** The two networks of a run; a teacher's own run and a student alone have no teacher. */
export interface Networks {
  readonly student: string;
  readonly teacher: string | null;
}

/** Large enough to run as whole batches do, small enough to be over at once. */
const sampleBatch = 32;

/**
 * Seconds that an epoch of training and its evaluation will take, from one step timed here after one
 * that warms up. It leaves out reading and augmenting the images, which take a few percent.
 */
export function estimateEpochSeconds(networks: Networks, dataset: ImageDataset): number {
  const classes = dataset.classes.length;
  const student = createModel(networks.student, { classes });
  const teacher =
    networks.teacher === null ? undefined : { model: createModel(networks.teacher, { classes }) };
  const learner = createLearner({
    student,
    ...(teacher ? { teacher } : {}),
    method: { name: 'timing', terms: teacher ? [crossEntropy(), kd()] : [crossEntropy()] },
    optimiser: { momentum: 0.9, weightDecay: 0, nesterov: true },
    seed: 0,
    samples: sampleBatch,
  });
  const images: tf.Tensor4D = tf.zeros([sampleBatch, dataset.height, dataset.width, 3]);
  const labels: tf.Tensor1D = tf.zeros([sampleBatch], 'int32');
  const indices = new Int32Array(sampleBatch);
  const at = { epoch: 0, learningRate: 0, random: random(0) };
  const step = (): unknown => learner.step({ images, labels, indices }, at);
  const evaluation = (): unknown =>
    tf.tidy(() => student.forward(images, { training: false }).logits.dataSync());
  try {
    step();
    evaluation();
    const perImage = timed(step) / sampleBatch;
    const perTestImage = timed(evaluation) / sampleBatch;
    return perImage * dataset.train.count + perTestImage * dataset.test.count;
  } finally {
    learner.dispose();
    student.dispose();
    teacher?.model.dispose();
    images.dispose();
    labels.dispose();
  }
}

/** Seconds, as `1:05:09` or `2:07`. */
export function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const two = (value: number): string => String(value).padStart(2, '0');
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

function timed(work: () => unknown): number {
  const started = performance.now();
  work();
  return (performance.now() - started) / 1000;
}

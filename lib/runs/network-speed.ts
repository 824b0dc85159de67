import * as tf from '@tensorflow/tfjs';
import { crossEntropy } from '../distill/terms';
import { random } from '../engine/random';
import type { TrainingData } from '../train/batch-source';
import { createModel } from '../models/registry';
import { createLearner } from '../train/learner';

/** Seconds that one image takes. */
export interface NetworkSpeed {
  readonly training: number;
  /** A forward pass alone. */
  readonly evaluation: number;
}

/** Sets things up; then enough images to run as whole batches do, and more where those are over at once. */
const sampleBatches = [2, 32, 128];
const longEnough = 0.25;

/**
 * Times a step of training with cross entropy and an evaluation on this machine. It leaves out reading
 * and augmenting the images, which take a few percent.
 */
export function measureNetwork(name: string, dataset: TrainingData): NetworkSpeed {
  const student = createModel(name, {
    classes: dataset.classes.length,
    imageSize: dataset.height,
  });
  const learner = createLearner({
    student,
    method: { name: 'timing', terms: [crossEntropy()] },
    optimiser: { momentum: 0.9, weightDecay: 0, nesterov: true },
  });
  try {
    let speed: NetworkSpeed = { training: 0, evaluation: 0 };
    for (const size of sampleBatches) {
      speed = tf.tidy(() => {
        const images: tf.Tensor4D = tf.zeros([size, dataset.height, dataset.width, 3]);
        const labels: tf.Tensor1D = tf.zeros([size], 'int32');
        const step = (): unknown =>
          learner.step({ images, labels }, { epoch: 0, learningRate: 0, random: random(0) });
        const evaluation = (): unknown =>
          student.forward(images, { training: false }).logits.dataSync();
        return { training: timed(step) / size, evaluation: timed(evaluation) / size };
      });
      if (size > 2 && speed.training * size > longEnough) break;
    }
    return speed;
  } finally {
    learner.dispose();
    student.dispose();
  }
}

function timed(work: () => unknown): number {
  const started = performance.now();
  work();
  return (performance.now() - started) / 1000;
}

import * as tf from '@tensorflow/tfjs';
import { median } from 'simple-statistics';
import { random } from '../engine/random';
import { tidied } from '../engine/tidy';
import { normDirectionLoss } from '../losses';
import {
  type OnBenchProgress,
  summarise,
  timeEach,
  timeOnce,
  type TimeSummary,
  warmUpSteps,
} from './step';
import { startTorch, type TorchOptions } from './torch';

/**
 * The ND loss as a loop over the samples, the way in which the authors' code computes it: what
 * `normDirectionLoss` is timed against.
 *
 * @param student `[batch, dim]`
 * @param teacher `[batch, dim]`
 * @param labels one for each sample
 * @param classMeans `[classes, dim]`
 */
export function normDirectionBySample(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  labels: Int32Array,
  classMeans: tf.Tensor2D,
): tf.Scalar {
  const row = (matrix: tf.Tensor2D, index: number): tf.Tensor =>
    tf.slice(matrix, [index, 0], [1, matrix.shape[1]]);
  const norm = (vector: tf.Tensor): tf.Tensor => tf.sqrt(tf.sum(tf.square(vector)));
  let total: tf.Scalar = tf.scalar(0);
  labels.forEach((label, index) => {
    const own = row(student, index);
    const mean = row(classMeans, label);
    const direction = tf.div(mean, norm(mean));
    const longer = tf.maximum(norm(own), norm(row(teacher, index)));
    const share = tf.div(tf.sum(tf.mul(own, direction)), longer);
    total = tf.add(total, tf.sub(1, share));
  });
  return tf.div(total, labels.length);
}

interface LossBenchmarkOptions {
  readonly batch: number;
  readonly dimension: number;
  readonly iterations: number;
  /** Also time the loop in PyTorch. */
  readonly torch?: TorchOptions;
  readonly onProgress?: OnBenchProgress;
}

/** Forward and backward, medians in milliseconds. */
export interface LossBenchmark extends TimeSummary {
  /** The loop over the samples on the same engine. */
  readonly loopMs: number;
  /** Median of loop divided by loss, pair by pair. */
  readonly ratio: number;
  readonly torch?: { readonly version: string; readonly loopMs: number; readonly ratio: number };
}

const classes = 100;

/**
 * Times the ND loss and its gradient against a loop over the samples, in turn.
 *
 * @throws LabError with `torch`, as `startTorch` does.
 */
export async function benchmarkLoss(options: LossBenchmarkOptions): Promise<LossBenchmark> {
  const { batch, dimension, iterations, torch, onProgress } = options;
  const rival = torch && (await startTorch(torch, { work: 'loss', batch, dimension }));
  const draw = random(0, 'loss benchmark');
  const matrix = (rows: number): tf.Tensor2D =>
    tf.tensor2d(
      Float32Array.from({ length: rows * dimension }, () => draw.normal()),
      [rows, dimension],
    );
  const [student, teacher, classMeans] = [matrix(batch), matrix(batch), matrix(classes)];
  const labels = Int32Array.from({ length: batch }, () => draw.integer(classes));
  const labelTensor = tf.tensor1d(labels, 'int32');
  const loss = differentiated(student, (x) =>
    normDirectionLoss(x, teacher, labelTensor, classMeans),
  );
  const loop = differentiated(student, (x) =>
    normDirectionBySample(x, teacher, labels, classMeans),
  );
  try {
    timeEach(loss, warmUpSteps);
    timeEach(loop, warmUpSteps, (done) => onProgress?.('warming up', done, warmUpSteps));
    await rival?.steps(warmUpSteps);
    const rounds: { ms: number; loopMs: number; torchMs: number }[] = [];
    for (let done = 1; done <= iterations; done++) {
      const ms = timeOnce(loss);
      const loopMs = timeOnce(loop);
      const [torchMs = NaN] = (await rival?.steps(1))?.ms ?? [];
      rounds.push({ ms, loopMs, torchMs });
      onProgress?.('loss and loop', done, iterations);
    }
    const against = (time: 'loopMs' | 'torchMs'): { loopMs: number; ratio: number } => ({
      loopMs: median(rounds.map((round) => round[time])),
      ratio: median(rounds.map((round) => round[time] / round.ms)),
    });
    return {
      ...summarise(rounds.map(({ ms }) => ms)),
      ...against('loopMs'),
      ...(rival ? { torch: { version: rival.version, ...against('torchMs') } } : {}),
    };
  } finally {
    rival?.stop();
    for (const tensor of [student, teacher, classMeans, labelTensor]) tensor.dispose();
  }
}

/** A call that computes a loss and its gradient and waits for both. */
function differentiated(at: tf.Tensor2D, loss: (x: tf.Tensor2D) => tf.Scalar): () => void {
  const valueAndGradient = tf.valueAndGrad((x: tf.Tensor) => loss(x as tf.Tensor2D));
  return () =>
    tidied(() => {
      const { value, grad } = valueAndGradient(at);
      value.dataSync();
      grad.dataSync();
    });
}

import * as tf from '@tensorflow/tfjs';
import type { LabError } from '../errors';
import { modelError } from '../errors';

/** Sides to which features are averaged, with half the weight of the one before. */
const levels = [4, 2, 1] as const;

/**
 * The hierarchical context loss of ReviewKD (Chen et al., arXiv 2104.09044): for each pair of features
 * the mean squared error, plus those of the features averaged to 4 × 4, 2 × 2 and 1 × 1 with weights
 * ½, ¼ and ⅛, divided by the sum of the weights; summed over the pairs. Agrees with mdistiller's
 * `hcl_loss`.
 *
 * @param student each [batch, height, width, channels]
 * @param teacher the same shapes
 * @throws LabError of kind `model` when numbers or shapes differ.
 */
export function hierarchicalContextLoss(
  student: readonly tf.Tensor4D[],
  teacher: readonly tf.Tensor4D[],
): tf.Scalar {
  const pairs = student.map((features, index) => {
    const others = teacher[index];
    if (others === undefined || student.length !== teacher.length) {
      throw differing(`${student.length} and ${teacher.length} features`);
    }
    if (features.shape.join() !== others.shape.join()) {
      throw differing(`[${features.shape.join(', ')}] and [${others.shape.join(', ')}]`);
    }
    return contextLoss(features, others);
  });
  return tf.addN(pairs);
}

function contextLoss(student: tf.Tensor4D, teacher: tf.Tensor4D): tf.Scalar {
  const side = student.shape[1];
  let weight = 1;
  let sum = 1;
  const terms = [meanSquaredError(student, teacher)];
  for (const level of levels) {
    if (level >= side) continue;
    weight /= 2;
    sum += weight;
    const pooled = [student, teacher].map((x) => averageTo(x, level));
    const [a = student, b = teacher] = pooled;
    terms.push(tf.mul(meanSquaredError(a, b), weight));
  }
  return tf.div(tf.addN(terms), sum);
}

function meanSquaredError(a: tf.Tensor4D, b: tf.Tensor4D): tf.Scalar {
  return tf.mean(tf.square(tf.sub(a, b)));
}

function averageTo(x: tf.Tensor4D, side: number): tf.Tensor4D {
  const [, height, width] = x.shape;
  if (height % side === 0 && width % side === 0) {
    const window: [number, number] = [height / side, width / side];
    return tf.avgPool(x, window, window, 'valid');
  }
  return adaptiveAverage(x, side);
}

/** PyTorch's `adaptive_avg_pool2d`: cell i is the mean from ⌊i · length / side⌋ to ⌈(i + 1) · length / side⌉. */
function adaptiveAverage(x: tf.Tensor4D, side: number): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const rows = tf.matMul(averaging(height, side), tf.reshape(x, [batch, height, width * channels]));
  const cells = tf.matMul(
    averaging(width, side),
    tf.reshape(rows, [batch * side, width, channels]),
  );
  return tf.reshape(cells, [batch, side, side, channels]);
}

/** [1, side, length]: each row the weights of a mean over neighbours. */
function averaging(length: number, side: number): tf.Tensor3D {
  const rows = Array.from({ length: side }, (_, i) => {
    const first = Math.floor((i * length) / side);
    const end = Math.ceil(((i + 1) * length) / side);
    return Array.from({ length }, (__, at) => (at >= first && at < end ? 1 / (end - first) : 0));
  });
  return tf.tensor3d([rows]);
}

function differing(found: string): LabError {
  return modelError`the hierarchical context loss needs features of equal number and shapes: found ${found}. Bring the student’s features to the teacher’s with fusion blocks`;
}

import * as tf from '@tensorflow/tfjs';
import { modelError } from '../errors';
import { closedForm, requireSameFeatures, shapeText } from './checks';

/** Below this share of negative values the margin is taken three deviations below 0. */
const smallestShare = 0.001;

/**
 * The margins of OFD (Heo et al., arXiv 1904.01866): the mean of the negative values that a channel has
 * before its ReLU, taken as a normal variable with the batch norm's shift μ as its mean and |scale| σ
 * as its deviation: `μ − σ · φ(μ/σ) / Φ(−μ/σ)`, or −3σ where Φ(−μ/σ) ≤ 0.001. A channel of σ = 0 has
 * the margin min(μ, 0).
 *
 * @param scale weights γ of the teacher's batch norm
 * @param shift biases β of it
 */
export function overhaulMargins(scale: ArrayLike<number>, shift: ArrayLike<number>): Float32Array {
  return Float32Array.from(scale, (gamma, channel) => {
    const deviation = Math.abs(gamma);
    const mean = shift[channel] ?? NaN;
    if (deviation === 0) return Math.min(mean, 0);
    const share = normalShareBelow(-mean / deviation);
    if (share <= smallestShare) return -3 * deviation;
    return mean - (deviation * normalDensity(mean / deviation)) / share;
  });
}

/**
 * The partial L2 distance of OFD: for each stage, with the target `u = max(t, margin)`, the sum over
 * places and channels of `(s − u)²`, left out where `s ≤ u ≤ 0`; its mean over the batch; stages
 * weighted ½ as much as the next deeper one, the deepest 1. A teacher's feature of other sides is
 * averaged to the student's first.
 *
 * @param student each `[batch, height, width, channels]` after its connector, shallow first
 * @param teacher before the ReLU, with the same channels, held constant
 * @param margins of each stage, `[channels]`
 * @throws LabError when numbers or shapes do not fit.
 */
export function featureOverhaulLoss(
  student: readonly tf.Tensor4D[],
  teacher: readonly tf.Tensor4D[],
  margins: readonly tf.Tensor1D[],
): tf.Scalar {
  const stages = student.map((features, index) => {
    const others = teacher[index];
    const margin = margins[index];
    if (student.length !== teacher.length || others === undefined || margin === undefined) {
      throw modelError`each stage needs a student’s and a teacher’s feature and margins (OFD): found ${student.length} and ${teacher.length} features, ${margins.length} margins. Give the same stages of both`;
    }
    return tf.mul<tf.Scalar>(
      partialDistance(features, averagedTo(others, features.shape), margin),
      2 ** (index + 1 - student.length),
    );
  });
  return tf.addN(stages);
}

function partialDistance(
  student: tf.Tensor4D,
  teacher: tf.Tensor4D,
  margin: tf.Tensor1D,
): tf.Scalar {
  requireSameFeatures('OFD', ['student features', student], ['teacher features', teacher]);
  const [batch] = student.shape;
  return closedForm(student, () => {
    const target = tf.maximum<tf.Tensor4D>(teacher, margin);
    const difference = tf.sub(student, target);
    const counts = tf.logicalOr(tf.greater(difference, 0), tf.greater(target, 0));
    const counted = tf.mul(difference, tf.cast(counts, 'float32'));
    return {
      value: tf.div<tf.Scalar>(tf.sum(tf.square(counted)), batch),
      gradient: tf.mul(counted, 2 / batch),
    };
  });
}

/** PyTorch's `adaptive_avg_pool2d` for sides that divide one another. */
function averagedTo(x: tf.Tensor4D, [, height, width]: readonly number[]): tf.Tensor4D {
  const [, ownHeight, ownWidth] = x.shape;
  if (ownHeight === height && ownWidth === width) return x;
  const window = [ownHeight / (height ?? 0), ownWidth / (width ?? 0)] as [number, number];
  if (window.every((side) => Number.isInteger(side) && side > 0)) {
    return tf.avgPool(x, window, window, 'valid');
  }
  throw modelError`a teacher’s feature cannot be averaged to the student’s size (OFD): found ${shapeText([ownHeight, ownWidth])} to ${shapeText([height ?? 0, width ?? 0])}. Choose a teacher whose sides are multiples of the student’s`;
}

function normalDensity(x: number): number {
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
}

/**
 * Φ(x): the share of a standard normal variable below x, by the series
 * `½ + φ(x) · (x + x³/3 + x⁵/(3·5) + …)` (Marsaglia, Journal of Statistical Software 11(4), 2004).
 */
function normalShareBelow(x: number): number {
  if (Math.abs(x) > 8) return x < 0 ? 0 : 1;
  let term = x;
  let sum = x;
  for (let odd = 3; Math.abs(term) > Number.EPSILON * Math.abs(sum); odd += 2) {
    term *= (x * x) / odd;
    sum += term;
  }
  return 0.5 + sum * normalDensity(x);
}

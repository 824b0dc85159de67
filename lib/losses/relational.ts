import * as tf from '@tensorflow/tfjs';
import { closedForm, requireFinite, requireRows } from './checks';

/** Options of `relationalLoss`. */
export interface RelationalOptions {
  /** Weight of the distances between two samples. */
  readonly distanceWeight?: number;
  /** Weight of the angles between three samples. */
  readonly angleWeight?: number;
}

/** Distances below it count as it and have no gradient: there is no direction between equal points. */
const shortest = 1e-6;

/**
 * Relational knowledge distillation (Park et al., arXiv 1904.05068), with `d_ij = ‖x_j − x_i‖`,
 * `e_ij = (x_j − x_i) / d_ij` and h the smooth L1 of PyTorch (`½z²` below 1, `|z| − ½` above):
 * `w_d · mean_ij h(d^s_ij / d̄^s − d^t_ij / d̄^t) + w_a · mean_ijk h(e^s_ij · e^s_ik − e^t_ij · e^t_ik)`,
 * where d̄ is the mean distance of two different samples. 0 for a batch of one sample.
 *
 * @param student `[batch, size]`
 * @param teacher `[batch, any size]`, held constant
 * @throws LabError when the batches differ in length or a weight is not finite.
 */
export function relationalLoss(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  { distanceWeight = 25, angleWeight = 50 }: RelationalOptions = {},
): tf.Scalar {
  requireRows('RKD', ['student embeddings', student], ['teacher embeddings', teacher]);
  requireFinite('RKD', 'the weight of the distances', distanceWeight);
  requireFinite('RKD', 'the weight of the angles', angleWeight);
  return closedForm(student, () => {
    const own = relationsOf(student);
    const other = relationsOf(teacher);
    const distance = distanceTerm(own, other);
    const angle = angleTerm(own, other);
    const slopes = tf.add(
      tf.mul(distance.slopes, distanceWeight),
      tf.mul(angle.slopes, angleWeight),
    );
    return {
      value: tf.add<tf.Scalar>(
        tf.mul(distance.value, distanceWeight),
        tf.mul(angle.value, angleWeight),
      ),
      // Of x_j − x_i: what arrives at a sample as the end of a pair, less what as its start.
      gradient: tf.sub(tf.sum(slopes, 0), tf.sum(slopes, 1)),
    };
  });
}

/** How the samples of a batch lie to one another. */
interface Relations {
  /** `[batch, batch, 1]`, at least `shortest` */
  readonly distances: tf.Tensor3D;
  /** `[batch, batch, 1]`: 1 where two samples differ, else 0. */
  readonly differ: tf.Tensor3D;
  /** `[batch, batch, size]`: e_ij, 0 where two samples are equal. */
  readonly directions: tf.Tensor3D;
  /** `[batch, batch, 1]`: distances over their mean, 0 on the diagonal. */
  readonly relative: tf.Tensor3D;
  readonly meanDistance: tf.Scalar;
  /** `[batch, batch, batch]`: e_ij · e_ik. */
  readonly cosines: tf.Tensor3D;
}

/** A term and its gradient with respect to each difference x_j − x_i, `[batch, batch, size]`. */
interface Term {
  readonly value: tf.Tensor;
  readonly slopes: tf.Tensor;
}

function relationsOf(x: tf.Tensor2D): Relations {
  const [batch] = x.shape;
  const differences = tf.sub<tf.Tensor3D>(tf.expandDims(x, 0), tf.expandDims(x, 1));
  const lengths = tf.norm(differences, 2, 2, true) as tf.Tensor3D;
  const differ = tf.cast(tf.greater(lengths, shortest), 'float32') as tf.Tensor3D;
  const distances = tf.maximum<tf.Tensor3D>(lengths, shortest);
  const directions = tf.mul<tf.Tensor3D>(tf.div(differences, distances), differ);
  const apart = tf.mul<tf.Tensor3D>(distances, offDiagonal(batch));
  const meanDistance = tf.div<tf.Scalar>(tf.sum(apart), pairsOf(batch));
  return {
    distances,
    differ,
    directions,
    relative: tf.divNoNan(apart, meanDistance),
    meanDistance,
    cosines: tf.matMul(directions, directions, false, true),
  };
}

function distanceTerm(own: Relations, other: Relations): Term {
  const { relative, meanDistance, directions, differ } = own;
  const [batch] = relative.shape;
  const { value, slope } = smoothL1(tf.sub(relative, other.relative));
  // Each distance also stands in the mean that all are divided by.
  const throughMean = tf.div(tf.sum(tf.mul(slope, relative)), pairsOf(batch));
  const ofDistances = tf.divNoNan(tf.sub(slope, throughMean), meanDistance);
  return { value, slopes: tf.mul(tf.mul(ofDistances, differ), directions) };
}

function angleTerm({ cosines, directions, distances, differ }: Relations, other: Relations): Term {
  const { value, slope } = smoothL1(tf.sub(cosines, other.cosines));
  // Twice: each cosine has the pair as its first and, by symmetry, as its second leg.
  const towards = tf.matMul<tf.Tensor3D>(slope, directions);
  const along = tf.sum(tf.mul(slope, cosines), 2, true);
  const across = tf.sub(towards, tf.mul(along, directions));
  return { value, slopes: tf.mul(tf.div(across, distances), tf.mul(differ, 2)) };
}

/** The mean of h over all entries, and its gradient. */
function smoothL1(difference: tf.Tensor3D): { value: tf.Tensor; slope: tf.Tensor3D } {
  const clipped = tf.clipByValue(difference, -1, 1);
  // |z| − ½ is c·z − ½c² at c = ±1, and ½z² is the same at c = z.
  const halves = tf.sub(tf.mul(clipped, difference), tf.mul(tf.square(clipped), 0.5));
  return { value: tf.mean(halves), slope: tf.div(clipped, difference.size) };
}

function offDiagonal(batch: number): tf.Tensor3D {
  return tf.reshape(tf.sub(1, tf.eye(batch)), [batch, batch, 1]);
}

/** Ordered pairs of different samples; 1 where there are none. */
function pairsOf(batch: number): number {
  return Math.max(1, batch * (batch - 1));
}

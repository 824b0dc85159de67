import * as tf from '@tensorflow/tfjs';
import { dataError } from '../errors';
import { closedForm, requireFinite, requireOnePerRow, requireSameMatrix } from './checks';
import { meanSquaredDifference } from './features';

/** Norms below this count as zero: such a vector has no direction. PyTorch's cosine uses the same. */
const smallestNorm = 1e-8;

/**
 * The Euclidean norm of every row: `[batch, dim]` → `[batch]`. A measurement, to be kept or compared:
 * the losses hold it constant.
 */
export function embeddingNorms(embedding: tf.Tensor2D): tf.Tensor1D {
  return tf.tidy(() => tf.squeeze<tf.Tensor1D>(rowNorms(embedding), [1]));
}

/** The Euclidean norm of every row as a column: `[batch, dim]` → `[batch, 1]`. */
export function rowNorms(rows: tf.Tensor2D): tf.Tensor2D {
  return tf.sqrt(tf.sum<tf.Tensor2D>(tf.square(rows), 1, true));
}

/** Rows divided by their norm; a row of zeros stays one. */
export function unitRows(rows: tf.Tensor2D): tf.Tensor2D {
  return tf.div(rows, tf.maximum(rowNorms(rows), smallestNorm));
}

/**
 * `1 / norm` for each entry, and 0 where the norm is below `smallestNorm`: as a factor of a gradient
 * it drops samples without a direction, where the slope is 1e8 or infinite and would end a training.
 */
export function inverseNorms(norms: tf.Tensor2D): tf.Tensor2D {
  return tf.div(
    tf.cast(tf.greaterEqual(norms, smallestNorm), 'float32'),
    tf.maximum(norms, smallestNorm),
  );
}

/**
 * `mean_i (‖x_i‖ − wanted_i)²` with its gradient with respect to `x`, which is 0 for a row of zeros.
 *
 * @param rows `[batch, dim]`
 * @param wanted `[batch, 1]`
 */
function normPenalty(
  rows: tf.Tensor2D,
  wanted: tf.Tensor2D,
): { value: tf.Scalar; gradient: tf.Tensor2D } {
  const norms = rowNorms(rows);
  const excess = tf.sub(norms, wanted);
  const push = tf.mul(tf.mul(excess, inverseNorms(norms)), 2 / rows.shape[0]);
  return { value: tf.mean<tf.Scalar>(tf.square(excess)), gradient: tf.mul(rows, push) };
}

/**
 * Norm matching: `mean_i (‖f^s_i‖ − ‖f^t_i‖)²`, the plain alternative that SIFN is compared with.
 * A student vector of zeros has no direction to grow in: its gradient is 0.
 *
 * @param student `[batch, dim]`, after the adapter if there is one
 * @param teacher `[batch, dim]`, held constant
 * @throws LabError when the shapes differ.
 */
export function naiveNormLoss(student: tf.Tensor2D, teacher: tf.Tensor2D): tf.Scalar {
  requireSameMatrix(
    'norm matching',
    ['student embedding', student],
    ['teacher embedding', teacher],
  );
  return closedForm(student, () => normPenalty(student, rowNorms(teacher)));
}

/**
 * Feature matching: the mean over all numbers of `(f^s − f^t)²`, that is `mean_i ‖f^s_i − f^t_i‖² / dim`;
 * the other reading of "the plain L2 alternative" that SIFN is compared with (see `naiveNormLoss`).
 *
 * @param student `[batch, dim]`, after the adapter if there is one
 * @param teacher `[batch, dim]`, held constant
 * @throws LabError when the shapes differ.
 */
export function naiveFeatureLoss(student: tf.Tensor2D, teacher: tf.Tensor2D): tf.Scalar {
  requireSameMatrix(
    'feature matching',
    ['student embedding', student],
    ['teacher embedding', teacher],
  );
  return closedForm(student, () => meanSquaredDifference(student, teacher));
}

/** Options of `sifnLoss`. */
export interface SifnOptions {
  /** r: by how much each norm shall exceed the previous one. */
  readonly step?: number;
}

/**
 * Stepwise increasing feature norm (after Xu et al., arXiv 1811.07456, eq. 9):
 * `mean_i (previous_i + r − ‖f^s_i‖)²`, where `previous` is the student's own earlier norm.
 * A student vector of zeros has no direction to grow in: its gradient is 0.
 *
 * @param student `[batch, dim]`
 * @param previousNorms `[batch]`, held constant
 * @throws LabError when the lengths differ or the step is not finite.
 */
export function sifnLoss(
  student: tf.Tensor2D,
  previousNorms: tf.Tensor1D,
  { step = 1 }: SifnOptions = {},
): tf.Scalar {
  requireOnePerRow('SIFN', ['previous norms', previousNorms], ['student embedding', student]);
  requireFinite('SIFN', 'step', step);
  return closedForm(student, () =>
    normPenalty(student, tf.expandDims<tf.Tensor2D>(tf.add(previousNorms, step), 1)),
  );
}

/**
 * SIFN whose previous norm is the current one held constant, as the code of arXiv 1811.07456 does it:
 * the value is always `r²`, the gradient a constant push of `2r / batch` on each norm.
 *
 * @param student `[batch, dim]`
 * @throws LabError when the step is not finite.
 */
export function detachedSifnLoss(student: tf.Tensor2D, options: SifnOptions = {}): tf.Scalar {
  return sifnLoss(student, embeddingNorms(student), options);
}

const bytesPerNorm = 4;

/**
 * Each sample's own embedding norm when it was last seen, by its index in the data set: the previous
 * norm of SIFN when that is chosen to be the one of the last visit. Nothing is read until it is saved.
 */
export class NormMemory {
  /** NaN for a sample that has not been seen. */
  private norms: tf.Tensor1D;

  /** @throws LabError when `samples` is not a whole number above 0. */
  constructor(readonly samples: number) {
    if (!Number.isInteger(samples) || samples < 1) {
      throw dataError`a memory of norms needs the number of samples of the training set: found ${String(samples)}. Give a whole number above 0`;
    }
    this.norms = tf.keep(tf.fill<tf.Rank.R1>([samples], NaN));
  }

  /**
   * The norms of the last visit; for a sample that is seen for the first time its current norm, so
   * that it is asked for the same growth as with the current norm held constant.
   *
   * @throws LabError when an index is not in the data set or the lengths differ.
   */
  previous(indices: ArrayLike<number>, currentNorms: tf.Tensor1D): tf.Tensor1D {
    const places = this.placesOf(indices, currentNorms);
    return tf.tidy(() => {
      const stored = tf.gather(this.norms, tf.tensor1d(places, 'int32'));
      return tf.where<tf.Tensor1D>(tf.isNaN(stored), currentNorms, stored);
    });
  }

  /**
   * Notes the norms of this visit.
   *
   * @throws LabError when an index is not in the data set or the lengths differ; nothing is noted then.
   */
  update(indices: ArrayLike<number>, norms: tf.Tensor1D): void {
    const places = this.placesOf(indices, norms);
    this.replace(
      tf.tidy(() => {
        const rows = tf.tensor2d(places, [places.length, 1], 'int32');
        return tf.tensorScatterUpdate(this.norms, rows, norms) as tf.Tensor1D;
      }),
    );
  }

  /** Little-endian float32 (as all that TensorFlow runs on), one a sample, NaN for those not seen: for a checkpoint. */
  toBytes(): Uint8Array {
    return new Uint8Array(this.norms.dataSync<'float32'>().slice().buffer);
  }

  /**
   * The memory that `toBytes` wrote.
   *
   * @throws LabError when the bytes are those of a data set of another size.
   */
  static fromBytes(bytes: Uint8Array, samples: number): NormMemory {
    const memory = new NormMemory(samples);
    if (bytes.byteLength !== samples * bytesPerNorm) {
      memory.dispose();
      throw dataError`the stored norms are those of another data set: found ${bytes.byteLength} bytes for ${samples} samples, which take ${samples * bytesPerNorm}. Resume with the data set that the run was started with, or start a new run`;
    }
    // A copy, since numbers of four bytes must begin at a multiple of four.
    memory.replace(tf.tensor1d(new Float32Array(Uint8Array.from(bytes).buffer)));
    return memory;
  }

  /** Frees it. */
  dispose(): void {
    this.norms.dispose();
  }

  private replace(norms: tf.Tensor1D): void {
    this.norms.dispose();
    this.norms = tf.keep(norms);
  }

  private placesOf(indices: ArrayLike<number>, { size }: tf.Tensor1D): Int32Array {
    if (indices.length !== size) {
      throw dataError`each sample needs one norm: found ${indices.length} indices, ${size} norms. Give the norms of the same batch`;
    }
    for (let i = 0; i < size; i++) this.requirePlace(indices[i] ?? NaN);
    return Int32Array.from(indices);
  }

  private requirePlace(index: number): void {
    if (Number.isInteger(index) && index >= 0 && index < this.samples) return;
    throw dataError`a sample is not one of the ${this.samples} that norms are kept of: found index ${index}. Make the memory with the size of the training set`;
  }
}

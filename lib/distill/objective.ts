import * as tf from '@tensorflow/tfjs';
import {
  crossEntropyLoss,
  detachedSifnLoss,
  directionCosineLoss,
  directionInfoNceLoss,
  distLoss,
  dkdLoss,
  hierarchicalContextLoss,
  kdLoss,
  naiveNormLoss,
  normDirectionLoss,
  sifnLoss,
} from '../losses';
import { type LossTerm, type Method, warmUpFactor } from './terms';

/** What the terms of a method see of one batch. */
export interface BatchSignals {
  /** [batch, classes] */
  readonly studentLogits: tf.Tensor2D;
  /** [batch, size], in the teacher's space: after the adapter where there is one. */
  readonly studentEmbedding: tf.Tensor2D;
  /** [batch], int32 */
  readonly labels: tf.Tensor1D;
  readonly teacherLogits?: tf.Tensor2D;
  readonly teacherEmbedding?: tf.Tensor2D;
  /** [classes, size] */
  readonly classMeans?: tf.Tensor2D;
  /** The student's features in the teacher's shapes, and the teacher's, shallow first. */
  readonly fusedFeatures?: readonly tf.Tensor4D[];
  readonly teacherFeatures?: readonly tf.Tensor4D[];
  /** [batch]: each sample's own norm when it was last seen. */
  readonly previousNorms?: tf.Tensor1D;
}

/** The sum of a method's terms, and each term with its weight in it. */
export interface Objective {
  readonly total: tf.Scalar;
  /** In the method's order. */
  readonly terms: readonly tf.Scalar[];
}

/** A method's loss on one batch in an epoch counted from 0. */
export function objective(method: Method, signals: BatchSignals, epoch: number): Objective {
  const terms = method.terms.map((term) =>
    tf.mul<tf.Scalar>(termLoss(term, signals), term.weight * warmUpFactor(term, epoch)),
  );
  return { total: tf.addN(terms), terms };
}

function termLoss(term: LossTerm, signals: BatchSignals): tf.Scalar {
  const { studentLogits, studentEmbedding, labels } = signals;
  switch (term.loss) {
    case 'crossEntropy':
      return crossEntropyLoss(studentLogits, labels);
    case 'kd':
      return kdLoss(studentLogits, given(signals.teacherLogits, term), term);
    case 'dkd':
      return dkdLoss(studentLogits, given(signals.teacherLogits, term), labels, term);
    case 'dist':
      return distLoss(studentLogits, given(signals.teacherLogits, term), term);
    case 'normDirection':
      return normDirectionLoss(
        studentEmbedding,
        given(signals.teacherEmbedding, term),
        labels,
        given(signals.classMeans, term),
      );
    case 'naiveNorm':
      return naiveNormLoss(studentEmbedding, given(signals.teacherEmbedding, term));
    case 'sifn':
      return term.previousNorm === 'detached'
        ? detachedSifnLoss(studentEmbedding, term)
        : sifnLoss(studentEmbedding, given(signals.previousNorms, term), term);
    case 'reviewKd':
      return hierarchicalContextLoss(
        given(signals.fusedFeatures, term),
        given(signals.teacherFeatures, term),
      );
    case 'directionCosine':
      return directionCosineLoss(studentEmbedding, labels, given(signals.classMeans, term));
    case 'directionInfoNce':
      return directionInfoNceLoss(studentEmbedding, labels, given(signals.classMeans, term), term);
  }
}

function given<T>(signal: T | undefined, { loss }: LossTerm): T {
  if (signal === undefined) throw new Error(`the term '${loss}' lacks one of its inputs`);
  return signal;
}

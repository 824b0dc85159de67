import * as tf from '@tensorflow/tfjs';
import { smoothedLabels } from '../losses/soft-cross-entropy';
import { type BatchSignals, classMeansOf, type MixedLabels } from './signals';

/**
 * Soft labels of a batch, [batch, classes]: λ · y_i + (1 − λ) · y_partner, each smoothed first; of images
 * that are not mixed the smoothed labels alone.
 */
export function softLabels(signals: BatchSignals, smoothing: number): tf.Tensor2D {
  const classes = signals.student.logits.shape[1];
  const { mix } = signals;
  if (mix === undefined) return smoothedLabels(signals.labels, classes, smoothing);
  return mixedRows(
    smoothedLabels(mix.labels, classes, smoothing),
    smoothedLabels(mix.partners, classes, smoothing),
    mix,
  );
}

/**
 * The class means that the samples of a batch are held against, [batch, size], mixed like their labels.
 * As the paper's DeiT code has it, smoothing adds smoothing / classes of the class means of all samples
 * of the batch (not of all classes), and the label's own counts 1 − smoothing.
 */
export function mixedClassMeans(signals: BatchSignals, smoothing: number): tf.Tensor2D {
  const means = classMeansOf(signals);
  const { mix } = signals;
  const labels = mix?.labels ?? signals.labels;
  const own: tf.Tensor2D = tf.gather(means, labels);
  const spread = tf.mul(tf.sum(own, 0, true), smoothing / means.shape[0]);
  const smoothed = (rows: tf.Tensor2D): tf.Tensor2D =>
    smoothing === 0 ? rows : tf.add(tf.mul(rows, 1 - smoothing), spread);
  if (mix === undefined) return smoothed(own);
  return mixedRows(smoothed(own), smoothed(tf.gather(means, mix.partners)), mix);
}

function mixedRows(own: tf.Tensor2D, partners: tf.Tensor2D, { lambda }: MixedLabels): tf.Tensor2D {
  const share = tf.reshape(lambda, [-1, 1]);
  return tf.add(tf.mul(own, share), tf.mul(partners, tf.sub(1, share)));
}

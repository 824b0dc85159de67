import * as tf from '@tensorflow/tfjs';
import { modelError } from '../errors';
import { closedForm, requirePositive, shapeText } from './checks';

/** What an anchor is compared with, all of it held constant. */
export interface ContrastOptions {
  /** `[samples, size]`: one embedding of the other network for each sample of the training set. */
  readonly memory: tf.Tensor2D;
  /** `[batch, 1 + negatives]`, int32 rows of the memory, each anchor's own sample first. */
  readonly candidates: tf.Tensor2D;
  /** Z, which brings the scores to the scale of a probability: of `contrastNormaliser` in the first batch. */
  readonly normaliser: tf.Scalar | number;
  readonly temperature?: number;
}

/** Temperature of the published comparisons. */
const defaultTemperature = 0.07;
/** Beside the noise's share, as the published code has it. */
const epsilon = 1e-7;

/**
 * The contrastive loss of CRD (Tian et al., arXiv 1910.10699) of one network's embeddings against the
 * other's memory: with m negatives out of n samples, `c = m / n`, scores
 * `x_ij = exp(v_i · w_ij / τ) / Z` and ε = 1e-7,
 * `−mean_i [ ln(x_i0 / (x_i0 + c + ε)) + Σ_j ln(c / (x_ij + c + ε)) ]`.
 *
 * @param anchors `[batch, size]`, rows of length 1
 * @throws LabError when shapes do not fit or the temperature is not above 0.
 */
export function contrastiveLoss(
  anchors: tf.Tensor2D,
  { memory, candidates, normaliser, temperature = defaultTemperature }: ContrastOptions,
): tf.Scalar {
  requireCandidates(anchors, memory, candidates);
  requirePositive('CRD', 'temperature', temperature);
  const [batch, candidateCount] = candidates.shape;
  const noise = (candidateCount - 1) / memory.shape[0];
  return closedForm(anchors, () => {
    const scores = tf.div<tf.Tensor2D>(
      rawScores(anchors, memory, candidates, temperature),
      normaliser,
    );
    const [own, others] = tf.split(scores, [1, candidateCount - 1], 1) as [tf.Tensor, tf.Tensor];
    const missed = tf.log1p(tf.div(noise + epsilon, own));
    const mistaken = tf.log1p(tf.div(tf.add(others, epsilon), noise));
    // Of the logarithms of the scores: how little the own one stands out, and how much the others do.
    const slopes = tf.concat2d(
      [
        tf.div<tf.Tensor2D>(-(noise + epsilon), tf.add(own, noise + epsilon)),
        tf.div<tf.Tensor2D>(others, tf.add(others, noise + epsilon)),
      ],
      1,
    );
    return {
      value: tf.div<tf.Scalar>(tf.add(tf.sum(missed), tf.sum(mistaken)), batch),
      gradient: tf.div(weightedSum(slopes, memory, candidates), batch * temperature),
    };
  });
}

/**
 * Z of the scores: `n · mean_ij exp(v_i · w_ij / τ)`. CRD takes it from the first batch and keeps it.
 *
 * @throws LabError when shapes do not fit or the temperature is not above 0.
 */
export function contrastNormaliser(
  anchors: tf.Tensor2D,
  { memory, candidates, temperature = defaultTemperature }: Omit<ContrastOptions, 'normaliser'>,
): tf.Scalar {
  requireCandidates(anchors, memory, candidates);
  requirePositive('CRD', 'temperature', temperature);
  return tf.tidy(() =>
    tf.mul<tf.Scalar>(
      tf.mean(rawScores(anchors, memory, candidates, temperature)),
      memory.shape[0],
    ),
  );
}

/**
 * The memory after a batch: the rows of its samples are moved to `m · w + (1 − m) · v` and brought back
 * to length 1.
 *
 * @param samples `[batch]`, int32, each once
 */
export function updatedMemory(
  memory: tf.Tensor2D,
  samples: tf.Tensor1D,
  embeddings: tf.Tensor2D,
  momentum = 0.5,
): tf.Tensor2D {
  return tf.tidy(() => {
    const moved = tf.add<tf.Tensor2D>(
      tf.mul(tf.gather(memory, samples), momentum),
      tf.mul(embeddings, 1 - momentum),
    );
    const rows = tf.div<tf.Tensor2D>(moved, tf.norm(moved, 2, 1, true));
    return tf.tensorScatterUpdate(memory, tf.expandDims(samples, 1), rows) as tf.Tensor2D;
  });
}

/** `[batch, 1 + negatives]`: `exp(v_i · w_ij / τ)`. */
function rawScores(
  anchors: tf.Tensor2D,
  memory: tf.Tensor2D,
  candidates: tf.Tensor2D,
  temperature: number,
): tf.Tensor2D {
  // Scores of the whole memory, then the few: the rows themselves would take `size` times the room.
  const products = tf.reshape(tf.matMul(anchors, memory, false, true), [-1]);
  const chosen = tf.gather(products, placesOf(candidates, memory.shape[0]));
  return tf.exp(tf.div(tf.reshape<tf.Rank.R2>(chosen, candidates.shape), temperature));
}

/** `[batch, size]`: `Σ_j a_ij · w_ij`. */
function weightedSum(
  weights: tf.Tensor2D,
  memory: tf.Tensor2D,
  candidates: tf.Tensor2D,
): tf.Tensor2D {
  const [batch] = weights.shape;
  const [samples] = memory.shape;
  const places = tf.expandDims(placesOf(candidates, samples), 1);
  const spread = tf.scatterND(places, tf.reshape(weights, [-1]), [batch * samples]);
  return tf.matMul(tf.reshape<tf.Rank.R2>(spread, [batch, samples]), memory);
}

/** Places of the candidates in a `[batch, samples]` matrix that is read row by row. */
function placesOf(candidates: tf.Tensor2D, samples: number): tf.Tensor1D {
  const [batch] = candidates.shape;
  const starts = tf.mul(tf.range(0, batch, 1, 'int32'), tf.scalar(samples, 'int32'));
  return tf.reshape(tf.add(candidates, tf.expandDims(starts, 1)), [-1]);
}

function requireCandidates(
  anchors: tf.Tensor2D,
  memory: tf.Tensor2D,
  candidates: tf.Tensor2D,
): void {
  const fits =
    anchors.shape.length === 2 &&
    anchors.shape[1] === memory.shape[1] &&
    candidates.dtype === 'int32' &&
    candidates.shape[0] === anchors.shape[0] &&
    (candidates.shape[1] ?? 0) > 1;
  if (fits) return;
  throw modelError`anchors, memory and candidates of a contrast do not fit one another (CRD): found anchors ${shapeText(anchors.shape)}, memory ${shapeText(memory.shape)}, candidates ${shapeText(candidates.shape)} ${candidates.dtype}. Give [batch, size], [samples, size] and int32 [batch, 1 + negatives]`;
}

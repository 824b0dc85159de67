import * as tf from '@tensorflow/tfjs';
import { relu } from '../engine/operations/activations';
import { linear } from '../engine/operations/linear';
import type { Random } from '../engine/random';
import { crossEntropyLoss } from '../losses';
import { closedForm } from '../losses/checks';
import { type LayerContext, normalFanOut, uniformFanIn } from '../nn/layers';
import { boxCount, type Boxes, encodeBoxes, finalCoding, joinBoxes, pickBoxes } from './boxes';
import { matchBoxes, proposalMatching, sampleLabels, type SampleOptions } from './sampling';

/**
 * Binary cross entropy of logits, summed: Σ max(z, 0) − z·t + log(1 + e^−|z|).
 *
 * @param logits any shape
 * @param targets the same shape, 0 or 1
 */
export function binaryCrossEntropySum(logits: tf.Tensor, targets: tf.Tensor): tf.Scalar {
  return closedForm(logits, () => ({
    value: tf.sum<tf.Scalar>(tf.sub(tf.softplus(logits), tf.mul(logits, targets))),
    gradient: tf.sub(tf.sigmoid(logits), targets),
  }));
}

/**
 * Smooth L1, summed: with d = |x − target|, d²/(2β) below β and d − β/2 from there on; d alone where
 * β is 0 (detectron2's setting), whose gradient at d = 0 is 0.
 */
export function smoothL1Sum(
  x: tf.Tensor,
  target: tf.Tensor,
  { beta = 0 }: { readonly beta?: number } = {},
): tf.Scalar {
  return closedForm(x, () => {
    const difference = tf.sub(x, target);
    const distance = tf.abs(difference);
    if (beta === 0) {
      return { value: tf.sum<tf.Scalar>(distance), gradient: tf.sign(difference) };
    }
    const inside = tf.less(distance, beta);
    return {
      value: tf.sum<tf.Scalar>(
        tf.where(inside, tf.div(tf.square(difference), 2 * beta), tf.sub(distance, beta / 2)),
      ),
      gradient: tf.where(inside, tf.div(difference, beta), tf.sign(difference)),
    };
  });
}

/** What the box head says of each region. */
export interface BoxOutput {
  /** [regions, embeddingSize]: after the second fully connected layer and its ReLU. What ND regularises. */
  readonly embedding: tf.Tensor2D;
  /** [regions, classes + 1], background last. */
  readonly logits: tf.Tensor2D;
  /** [regions, classes · 4]: dx dy dw dh for each class. */
  readonly deltas: tf.Tensor2D;
}

interface BoxHeadOptions {
  readonly channels: number;
  /** Cells of a pooled region on each side. */
  readonly resolution: number;
  readonly embeddingSize: number;
  readonly classes: number;
}

/** @param pooled [regions, resolution², channels] */
type BoxHead = (pooled: tf.Tensor3D) => BoxOutput;

/**
 * detectron2's `FastRCNNConvFCHead` with two fully connected layers, and its `FastRCNNOutputLayers` with
 * one box a class.
 */
export function boxHead(
  context: LayerContext,
  prefix: string,
  { channels, resolution, embeddingSize, classes }: BoxHeadOptions,
): BoxHead {
  const inputs = channels * resolution ** 2;
  const layer = (
    name: string,
    from: number,
    to: number,
    deviation?: number,
  ): ReturnType<typeof fullyConnected> =>
    fullyConnected(context, `${prefix}${name}`, { inputs: from, outputs: to, deviation });
  const first = layer('box_head.fc1', inputs, embeddingSize);
  const second = layer('box_head.fc2', embeddingSize, embeddingSize);
  const score = layer('box_predictor.cls_score', embeddingSize, classes + 1, 0.01);
  const box = layer('box_predictor.bbox_pred', embeddingSize, 4 * classes, 0.001);
  return (pooled) => {
    // PyTorch flattens channel by channel.
    const flat = tf.reshape(tf.transpose(pooled, [0, 2, 1]), [pooled.shape[0], inputs]);
    const embedding = relu(second(relu(first(flat as tf.Tensor2D))));
    return { embedding, logits: score(embedding), deltas: box(embedding) };
  };
}

/** Weights from N(0, deviation²), or from U(±√(3 / inputs)); a bias of 0. */
function fullyConnected(
  { state, random }: LayerContext,
  name: string,
  { inputs, outputs, deviation }: { inputs: number; outputs: number; deviation?: number },
): (x: tf.Tensor2D) => tf.Tensor2D {
  const shape = [outputs, inputs];
  const weights = state.add(
    `${name}.weight`,
    deviation === undefined
      ? uniformFanIn(shape, inputs / 3, random)
      : normalFanOut(shape, 2 / deviation ** 2, random),
    { trainable: true, layout: 'same' },
  );
  const bias = state.add(`${name}.bias`, tf.zeros([outputs]), { trainable: true, layout: 'same' });
  return (x) => linear(x, weights.value as tf.Tensor2D, bias.value as tf.Tensor1D);
}

/** detectron2's: 512 proposals an image, at most a quarter of them objects. */
export const proposalSampling: SampleOptions = { count: 512, objectShare: 0.25 };

/** An image's true objects. */
interface Truth {
  readonly boxes: Boxes;
  readonly labels: Int32Array;
}

/** The sampled proposals of a batch and what each should become. */
interface ProposalTargets {
  /** One list an image. */
  readonly regions: readonly Boxes[];
  /** Of all regions, image after image: a class, or the number of classes for background. */
  readonly labels: Int32Array;
  /** Places of the regions that are objects, and their dx dy dw dh. */
  readonly objects: Int32Array;
  readonly deltas: Float32Array;
}

/**
 * Adds the true boxes to each image's proposals, matches them all, and draws the ones that are trained
 * on.
 */
export function proposalTargets(
  proposals: readonly Boxes[],
  truths: readonly Truth[],
  {
    classes,
    randomOf,
    sampling = proposalSampling,
  }: {
    readonly classes: number;
    readonly randomOf: (image: number) => Random;
    readonly sampling?: SampleOptions;
  },
): ProposalTargets {
  const labels: number[] = [];
  const objects: number[] = [];
  const deltas: Float32Array[] = [];
  const regions = truths.map((truth, image) => {
    const candidates = joinBoxes([proposals[image] ?? new Float32Array(0), truth.boxes]);
    const matches = matchBoxes(truth.boxes, candidates, proposalMatching);
    const sample = sampleLabels(matches.labels, sampling, randomOf(image));
    const targets = sample.objects.map((index) => matches.targets[index] ?? 0);
    const chosen = pickBoxes(candidates, sample.objects);
    targets.forEach((target) => {
      objects.push(labels.length);
      labels.push(truth.labels[target] ?? classes);
    });
    sample.background.forEach(() => labels.push(classes));
    deltas.push(encodeBoxes(chosen, pickBoxes(truth.boxes, targets), finalCoding));
    return joinBoxes([chosen, pickBoxes(candidates, sample.background)]);
  });
  return {
    regions,
    labels: Int32Array.from(labels),
    objects: Int32Array.from(objects),
    deltas: joinBoxes(deltas),
  };
}

/**
 * Cross entropy over all sampled regions, and smooth L1 of the true class' box of the objects among
 * them; both divided by the number of regions.
 */
export function boxLosses(
  { logits, deltas }: BoxOutput,
  { labels, objects, deltas: wanted }: ProposalTargets,
): { readonly classification: tf.Scalar; readonly box: tf.Scalar } {
  const classes = deltas.shape[1] / 4;
  const rows = objects.map((region) => region * classes + (labels[region] ?? 0));
  const found = tf.gather(
    tf.reshape(deltas, [labels.length * classes, 4]),
    tf.tensor1d(rows, 'int32'),
  );
  return {
    classification: crossEntropyLoss(logits, tf.tensor1d(labels, 'int32')),
    box: tf.div(
      smoothL1Sum(found, tf.tensor2d(wanted, [boxCount(wanted), 4])),
      Math.max(1, labels.length),
    ),
  };
}

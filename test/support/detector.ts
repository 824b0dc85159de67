import * as tf from '@tensorflow/tfjs';
import { type Boxes, joinBoxes } from '../../lib/detection/boxes';
import type { DetectionBatch, DetectionItem } from '../../lib/detection/coco/data';
import { torchvisionPixels } from '../../lib/detection/coco/images';
import { createDetector, type Detector, type DetectorOptions } from '../../lib/detection/detector';
import { createDetectionLearner, type DetectionLearnerOptions } from '../../lib/detection/learner';
import { random } from '../../lib/engine/random';
import { ModelState } from '../../lib/nn/state';

/** A detector of two classes that learns made-up images of 64 × 64 within seconds. */
export function tinyDetector(options: Partial<DetectorOptions> = {}): Detector {
  return createDetector({
    backbone: 'resnet18',
    classes: 2,
    seed: 1,
    norm: 'batch',
    freezeAt: 0,
    ...(options.backbone === 'mobilenetv2' ? {} : { width: 8 }),
    pyramidChannels: 16,
    embeddingSize: 32,
    anchorSizes: [16, 24, 32, 48, 64],
    canonicalSide: 56,
    ...options,
  });
}

/** Small samples for `tinyDetector`. */
export const tinySampling = {
  seed: 1,
  proposals: { before: 100, after: 50, threshold: 0.7 },
  anchorSampling: { count: 64, objectShare: 0.5 },
  proposalSampling: { count: 32, objectShare: 0.25 },
} as const satisfies Partial<DetectionLearnerOptions>;

export function tinyLearner(
  options: Omit<DetectionLearnerOptions, 'seed'>,
): ReturnType<typeof createDetectionLearner> {
  return createDetectionLearner({ ...tinySampling, ...options });
}

/** What a `scriptedDetector` says of a region; what is left out is 0, or background for certain. */
export interface Answer {
  /** Probabilities of the classes; the rest is background. */
  readonly scores?: readonly number[];
  /** dx dy dw dh for each class. */
  readonly deltas?: readonly number[];
  readonly embedding?: readonly number[];
}

/** What `scriptedDetector` is told. */
export interface Script {
  readonly classes: number;
  /** x1 y1 x2 y2 of the anchors of each level, which it proposes as they are, all with objectness 0. */
  readonly levels: readonly (readonly (readonly number[])[])[];
  readonly say?: (box: readonly number[]) => Answer;
  readonly embeddingSize?: number;
}

/** A detector without a network: what is done with its answers can be worked out by hand. */
export interface ScriptedDetector extends Detector {
  /** The regions of each call of `detect`, one list an image. */
  readonly asked: (readonly Boxes[])[];
}

export function scriptedDetector({
  classes,
  levels,
  say = () => ({}),
  embeddingSize = 2,
}: Script): ScriptedDetector {
  const state = new ModelState();
  // Added to every logit: a weight to train that changes no probability.
  const shift = state.add('shift', tf.scalar(0), { trainable: true, layout: 'same' });
  const anchors = levels.map((boxes) => Float32Array.from(boxes.flat()));
  const count = joinBoxes(anchors).length / 4;
  const asked: (readonly Boxes[])[] = [];
  return {
    name: 'scripted',
    classes,
    embeddingSize,
    pyramidChannels: 3,
    state,
    pixels: torchvisionPixels,
    asked,
    frozen: (x) => ({ x, features: [] }),
    pyramid: ({ x }) => [x],
    anchors: () => anchors,
    propose: ([x]) => ({
      objectness: tf.zeros([x?.shape[0] ?? 0, count]),
      deltas: tf.zeros([x?.shape[0] ?? 0, count, 4]),
    }),
    detect(_, regions) {
      asked.push(regions);
      const boxes = joinBoxes(regions);
      const answers = Array.from({ length: boxes.length / 4 }, (__, region) =>
        say([...boxes.subarray(4 * region, 4 * region + 4)]),
      );
      const rows = (size: number, of: (answer: Answer) => readonly number[]): tf.Tensor2D =>
        tf.tensor2d(
          answers.flatMap((answer) =>
            Array.from({ length: size }, (__, at) => of(answer)[at] ?? 0),
          ),
          [answers.length, size],
        );
      const probabilities = rows(classes + 1, ({ scores = [] }) => [
        ...Array.from({ length: classes }, (__, label) => scores[label] ?? 0),
        1 - scores.reduce((sum, score) => sum + score, 0),
      ]);
      return {
        embedding: rows(embeddingSize, ({ embedding = [] }) => embedding),
        logits: tf.add(tf.log(tf.maximum(probabilities, 1e-30)), shift.value),
        deltas: rows(4 * classes, ({ deltas = [] }) => deltas),
      };
    },
    stateDict: () => state.stateDict(),
    loadStateDict: (entries, where) => state.loadStateDict(entries, where),
    dispose: () => state.dispose(),
  };
}

const side = 64;

/** A batch of noisy images, each with one bright (class 0) or dark (class 1) box in it. */
export function shapesBatch(seed: number, count = 2): DetectionBatch {
  const { uniform, integer } = random(seed, 'shapes');
  const images = Float32Array.from({ length: count * side * side * 3 }, () => uniform() - 0.5);
  const items = Array.from({ length: count }, (_, image): DetectionItem => {
    const [left, top] = [integer(24), integer(24)];
    const [right, bottom] = [left + 20 + integer(16), top + 20 + integer(16)];
    const label = integer(2);
    for (let y = top; y < bottom; y++) {
      const row = (image * side + y) * side;
      images.fill(label === 0 ? 2 : -2, 3 * (row + left), 3 * (row + right));
    }
    return {
      imageId: image + 1,
      height: side,
      width: side,
      originalHeight: 2 * side,
      originalWidth: 2 * side,
      scale: { x: 0.5, y: 0.5 },
      boxes: Float32Array.of(left, top, right, bottom),
      labels: Int32Array.of(label),
    };
  });
  return { images, height: side, width: side, items };
}

/** Endless batches, the same ones wherever one starts. */
export async function* shapesBatches(firstBatch: number): AsyncGenerator<DetectionBatch, void> {
  for (let number = firstBatch; ; number++) yield await Promise.resolve(shapesBatch(number % 4));
}

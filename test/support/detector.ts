import type { DetectionBatch, DetectionItem } from '../../lib/coco/data';
import { createDetector, type Detector, type DetectorOptions } from '../../lib/detection/detector';
import { createDetectionLearner, type DetectionLearnerOptions } from '../../lib/detection/learner';
import { random } from '../../lib/engine/random';

/** A detector of two classes that learns made-up images of 64 × 64 within seconds. */
export function tinyDetector(options: Partial<DetectorOptions> = {}): Detector {
  return createDetector({
    backbone: 'resnet18',
    classes: 2,
    seed: 1,
    norm: 'batch',
    freezeAt: 0,
    width: 8,
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

import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { random } from '../engine/random';
import { tidied } from '../engine/tidy';
import { dataError, interruptedError, optionError } from '../errors';
import { proposalSampling, proposalTargets } from './box-head';
import type { DetectionBatch, PixelForm } from './coco/data';
import type { Detector } from './detector';
import { convertPixels } from './distillation';
import { trainingProposals } from './learner';
import { findProposals, type ProposalOptions } from './proposals';
import type { SampleOptions } from './sampling';

interface DetectorClassMeansOptions {
  /** 30,000 in the paper's code. */
  readonly iterations: number;
  /** Of the sampling. */
  readonly seed: number;
  /** How the batches' images are normalised; as the teacher wants them unless given. */
  readonly pixels?: PixelForm;
  readonly proposals?: ProposalOptions;
  readonly sampling?: SampleOptions;
  readonly signal?: AbortSignal;
  readonly onIteration?: (done: number, total: number) => void;
}

/** Class means of a detector’s box features. */
export interface DetectorClassMeans {
  /** [(classes + 1) · embeddingSize], background last; zeros for a class that was never seen. */
  readonly means: Float32Array;
  /** Regions of each class that were seen. */
  readonly counts: Int32Array;
}

/**
 * c_k: the mean of a teacher's box-head embedding over the regions of class k (background included)
 * that its own proposals give in training batches, sampled as in training; the teacher learns nothing.
 *
 * @throws LabError when it is interrupted, the batches end or `iterations` is no number of batches.
 */
export async function gatherClassMeans(
  teacher: Detector,
  batches: AsyncIterable<DetectionBatch>,
  options: DetectorClassMeansOptions,
): Promise<DetectorClassMeans> {
  const { iterations, signal, onIteration } = options;
  if (!Number.isSafeInteger(iterations) || iterations < 1) {
    throw optionError`class means are gathered over a whole number of batches of at least 1 (iterations): found ${iterations}. The paper's code takes 30000`;
  }
  const size = teacher.embeddingSize;
  const sums = new Float64Array((teacher.classes + 1) * size);
  const counts = new Int32Array(teacher.classes + 1);
  let done = 0;
  for await (const batch of batches) {
    // The passes are synchronous: without a pause no signal would get through.
    await setImmediate();
    if (signal?.aborted) {
      throw interruptedError`stopped after ${done} iterations; class means are kept only when all are done. Run the same command again`;
    }
    const { labels, embedding } = embedRegions(teacher, batch, done, options);
    labels.forEach((label, row) => {
      counts[label] = (counts[label] ?? 0) + 1;
      for (let j = 0; j < size; j++) {
        const at = label * size + j;
        sums[at] = (sums[at] ?? 0) + (embedding[row * size + j] ?? 0);
      }
    });
    done++;
    onIteration?.(done, iterations);
    if (done === iterations) break;
  }
  if (done < iterations) {
    throw dataError`the batches ended before the class means were gathered: found ${done} of ${iterations}. Give a data set with at least one image with an object`;
  }
  const means = Float32Array.from(
    sums,
    (sum, at) => sum / Math.max(1, counts[Math.floor(at / size)] ?? 1),
  );
  return { means, counts };
}

function embedRegions(
  teacher: Detector,
  { images, height, width, items }: DetectionBatch,
  iteration: number,
  { seed, pixels, proposals, sampling = proposalSampling }: DetectorClassMeansOptions,
): { labels: Int32Array; embedding: Float32Array } {
  return tidied(() => {
    const given = tf.tensor4d(images, [items.length, height, width, 3]);
    const own = convertPixels(given, items, pixels ?? teacher.pixels, teacher.pixels);
    const pyramid = teacher.pyramid(teacher.frozen(own), { training: false });
    const found = findProposals(
      teacher.propose(pyramid),
      teacher.anchors(pyramid),
      items,
      proposals ?? trainingProposals,
    );
    const { regions, labels } = proposalTargets(
      found.map(({ boxes }) => boxes),
      items,
      {
        classes: teacher.classes,
        randomOf: (image) => random(seed, 'class means', iteration, image),
        sampling,
      },
    );
    return { labels, embedding: teacher.detect(pyramid, regions).embedding.dataSync<'float32'>() };
  });
}

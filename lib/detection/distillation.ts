import * as tf from '@tensorflow/tfjs';
import { type FusionBlocks, fusionBlocks } from '../distill/fusion-blocks';
import type { BatchSignals, LossTerm } from '../distill/term';
import { definitionOf, type Method, needs, warmUpFactor } from '../distill/terms';
import { type LabError, modelError, optionError } from '../errors';
import { hierarchicalContextLoss } from '../losses';
import type { ForwardMode } from '../nn/layers';
import type { ModelState } from '../nn/state';
import type { BoxOutput } from './box-head';
import type { ImageSize } from './boxes';
import type { PixelForm } from './coco/data';
import type { Detector } from './detector';

/** Whether images need no conversion. */
function samePixels(a: PixelForm, b: PixelForm): boolean {
  return a.order === b.order && a.mean.join() === b.mean.join() && a.std.join() === b.std.join();
}

/**
 * Images normalised one way as another detector wants them. What lies outside an image stays 0.
 *
 * @param images [batch, height, width, 3]
 * @param sizes of the images without their padding
 */
export function convertPixels(
  images: tf.Tensor4D,
  sizes: readonly ImageSize[],
  from: PixelForm,
  to: PixelForm,
): tf.Tensor4D {
  if (samePixels(from, to)) return images;
  return tf.tidy(() => {
    const pixels = tf.add(tf.mul(images, tf.tensor1d([...from.std])), tf.tensor1d([...from.mean]));
    const ordered = from.order === to.order ? pixels : tf.reverse(pixels, 3);
    const normalised = tf.div(tf.sub(ordered, tf.tensor1d([...to.mean])), tf.tensor1d([...to.std]));
    return tf.mul(normalised, insideOf(images.shape, sizes));
  });
}

/** 1 where a batch shows an image, 0 where it is padded: [batch, height, width, 1]. */
function insideOf([, height, width]: number[], sizes: readonly ImageSize[]): tf.Tensor4D {
  const reaches = (length: number, ends: readonly number[]): tf.Tensor =>
    tf.cast(
      tf.less(
        tf.range(0, length, 1, 'int32'),
        tf.tensor2d(
          ends.map((end) => [end]),
          undefined,
          'int32',
        ),
      ),
      'float32',
    );
  const rows = reaches(
    height ?? 0,
    sizes.map((size) => size.height),
  );
  const columns = reaches(
    width ?? 0,
    sizes.map((size) => size.width),
  );
  return tf.mul(
    tf.reshape(rows, [sizes.length, -1, 1, 1]),
    tf.reshape(columns, [sizes.length, 1, -1, 1]),
  );
}

export interface ReviewPyramidTerm extends LossTerm {
  readonly loss: 'reviewPyramid';
}

/** ReviewKD (Chen et al., arXiv 2104.09044) on the levels of the feature pyramid. */
export function reviewPyramid({ weight = 1 }: { weight?: number } = {}): ReviewPyramidTerm {
  return { loss: 'reviewPyramid', weight };
}

/** A term over the sampled regions that are objects alone, without the background; 0 where there are none. */
export function ofObjects<Term extends LossTerm>(
  term: Term,
): Term & { readonly regions: 'objects' } {
  return { ...term, regions: 'objects' };
}

/** P2 … P6 of the student, carried to the teacher's. */
interface PyramidReview {
  readonly fusion: FusionBlocks;
  loss(
    student: readonly tf.Tensor4D[],
    teacher: readonly tf.Tensor4D[],
    mode: ForwardMode,
  ): tf.Scalar;
}

const levels = 5;

/** The blocks that ReviewKD trains beside the student; the coarsest level comes first in them. */
function pyramidReview(options: {
  readonly studentChannels: number;
  readonly teacherChannels: number;
  readonly seed: number;
}): PyramidReview {
  const repeated = (channels: number): number[] => Array.from({ length: levels }, () => channels);
  const fusion = fusionBlocks({
    studentChannels: repeated(options.studentChannels),
    teacherChannels: repeated(options.teacherChannels),
    seed: options.seed,
  });
  return {
    fusion,
    loss(student, teacher, mode) {
      const sides = teacher.map(({ shape }): [number, number] => [shape[1], shape[2]]);
      return hierarchicalContextLoss(fusion.forward(student, sides, mode), teacher);
    },
  };
}

/** A detector as training uses it to teach another: never trained. */
export interface DetectionTeacher {
  readonly detector: Detector;
  /** [(classes + 1) · embeddingSize], background last; needed by methods that use directions. */
  readonly classMeans?: Float32Array;
}

/** What the terms of a method see of one batch. */
interface DetectionSignals {
  /** Of student and teacher on the same (the student's) regions. */
  readonly student: BoxOutput;
  readonly teacher: BoxOutput;
  /** P2 … P6. */
  readonly studentPyramid: readonly tf.Tensor4D[];
  readonly teacherPyramid: readonly tf.Tensor4D[];
  /** Of the regions; background is the number of classes. */
  readonly labels: Int32Array;
}

/** The distillation terms of a method at work. */
export interface DetectionObjective {
  /** Weights trained along with the student. */
  readonly state: ModelState | undefined;
  /**
   * Each term with its weight in it, in the method's order.
   *
   * @param at.epoch iterations done over those of an epoch, for the warm-ups
   */
  terms(signals: DetectionSignals, at: { epoch: number; mode: ForwardMode }): tf.Scalar[];
  dispose(): void;
}

/**
 * The terms of a method between two detectors: `reviewPyramid`, and every term of classification
 * (`kd`, `dkd`, `normDirection`, …), for which a sampled region is a sample and its class, background
 * included, its label.
 *
 * @throws LabError when student and teacher do not fit or class means are missing.
 */
export function createDetectionObjective(
  method: Method,
  { student, teacher, seed }: { student: Detector; teacher: DetectionTeacher; seed: number },
): DetectionObjective {
  requireFitting(method, student, teacher);
  const review = method.terms.some(isReview)
    ? pyramidReview({
        studentChannels: student.pyramidChannels,
        teacherChannels: teacher.detector.pyramidChannels,
        seed,
      })
    : undefined;
  const size = teacher.detector.embeddingSize;
  const classMeans = teacher.classMeans
    ? tf.keep(tf.tensor2d(teacher.classMeans.slice(), [student.classes + 1, size]))
    : undefined;
  const valueOf = (term: LossTerm, signals: DetectionSignals, mode: ForwardMode): tf.Scalar => {
    if (isReview(term)) {
      if (!review) throw new Error('ReviewKD has its blocks');
      return review.loss(signals.studentPyramid, signals.teacherPyramid, mode);
    }
    const { compute } = definitionOf(term);
    if (!compute) throw notOfDetectors(term);
    const chosen = 'regions' in term ? objectsOf(signals, student.classes) : signals;
    return chosen ? compute(term, asSamples(chosen, classMeans)) : tf.scalar(0);
  };
  return {
    state: review?.fusion.state,
    terms: (signals, { epoch, mode }) =>
      method.terms.map((term) =>
        tf.mul<tf.Scalar>(valueOf(term, signals, mode), term.weight * warmUpFactor(term, epoch)),
      ),
    dispose() {
      review?.fusion.state.dispose();
      classMeans?.dispose();
    },
  };
}

function objectsOf(signals: DetectionSignals, background: number): DetectionSignals | undefined {
  const { labels } = signals;
  const objects = [...labels.keys()].filter((index) => labels[index] !== background);
  if (objects.length === 0) return undefined;
  const rows = tf.tensor1d(objects, 'int32');
  const chosen = ({ logits, embedding, ...rest }: BoxOutput): BoxOutput => ({
    ...rest,
    logits: tf.gather(logits, rows),
    embedding: tf.gather(embedding, rows),
  });
  return {
    ...signals,
    student: chosen(signals.student),
    teacher: chosen(signals.teacher),
    labels: labels.filter((label) => label !== background),
  };
}

function isReview({ loss }: LossTerm): boolean {
  return loss === 'reviewPyramid';
}

function asSamples(
  { student, teacher, labels }: DetectionSignals,
  classMeans: tf.Tensor2D | undefined,
): BatchSignals {
  const sampled = ({ logits, embedding }: BoxOutput): BatchSignals['student'] => ({
    logits,
    embedding,
    features: [],
    preActivations: [],
  });
  return {
    student: sampled(student),
    studentEmbedding: student.embedding,
    teacher: sampled(teacher),
    labels: tf.tensor1d(labels, 'int32'),
    classMeans,
  };
}

function requireFitting(
  method: Method,
  student: Detector,
  { detector, classMeans }: DetectionTeacher,
): void {
  const misfit = (what: string, found: string, fix: string): LabError =>
    modelError`${what} (method ${method.name}): found ${found}. ${fix}`;
  if (student.classes !== detector.classes || student.embeddingSize !== detector.embeddingSize) {
    throw misfit(
      'student and teacher differ in classes or in the size of their box heads',
      `${student.classes} classes and ${student.embeddingSize}, ${detector.classes} and ${detector.embeddingSize}`,
      'Take a teacher that was trained on this data set and a student with its embedding size',
    );
  }
  const plain: Method = { ...method, terms: method.terms.filter((term) => !isReview(term)) };
  for (const term of plain.terms) if (!definitionOf(term).compute) throw notOfDetectors(term);
  if (classMeans === undefined && !needs(plain, 'class means')) return;
  const expected = (detector.classes + 1) * detector.embeddingSize;
  if (classMeans?.length !== expected) {
    throw misfit(
      'class means are missing or of another size',
      `${classMeans?.length ?? 0} numbers where ${expected} belong`,
      'Gather them from this teacher first',
    );
  }
}

function notOfDetectors({ loss }: LossTerm): LabError {
  return optionError`the term '${loss}' cannot be used between detectors. Use kd, dkd, normDirection or reviewPyramid`;
}

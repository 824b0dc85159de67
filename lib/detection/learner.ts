import * as tf from '@tensorflow/tfjs';
import type { DetectionBatch } from '../coco/data';
import type { Method } from '../distill/terms';
import { random } from '../engine/random';
import { tidied } from '../engine/tidied';
import { LabError } from '../errors';
import { lossAndGradients } from '../train/gradients';
import { clipByGlobalNorm } from '../train/clip';
import { createOptimiser, type Optimiser, type OptimiserOptions } from '../train/optimiser';
import type { SgdOptions } from '../train/sgd';
import type { BackboneProgress } from './backbone';
import { joinBoxes } from './boxes';
import { boxLosses, proposalSampling, proposalTargets } from './box-training';
import type { Detector } from './detector';
import {
  createDetectionObjective,
  type DetectionObjective,
  type DetectionTeacher,
} from './distill/objective';
import { convertPixels } from './distill/pixels';
import { anchorSampling, anchorTargets, proposalLosses } from './proposal-training';
import { findProposals, type ProposalOptions } from './proposals';
import type { SampleOptions } from './sampling';

/** detectron2's: what is proposed while a detector is trained. */
export const trainingProposals: ProposalOptions = { before: 2000, after: 1000, threshold: 0.7 };

/** detectron2's for Faster R-CNN. */
export const detectionOptimiser: SgdOptions = { momentum: 0.9, weightDecay: 1e-4, nesterov: false };

/** The detector's own losses, in the order of `DetectionStep.losses`; the method's terms follow. */
export const detectorLosses = ['objectness', 'proposalBox', 'classification', 'box'] as const;

export interface DetectionLearnerOptions {
  readonly student: Detector;
  /** Needed by a method with terms. */
  readonly teacher?: DetectionTeacher;
  /** Distillation beside the detector's own losses; none unless given. */
  readonly method?: Method;
  readonly optimiser?: OptimiserOptions;
  /** The largest norm of all gradients together; no bound unless given, as in detectron2. */
  readonly largestGradient?: number;
  /** Of all that is drawn. */
  readonly seed: number;
  readonly proposals?: ProposalOptions;
  readonly anchorSampling?: SampleOptions;
  readonly proposalSampling?: SampleOptions;
}

/** What a step measured before it changed the weights. */
export interface DetectionStep {
  readonly total: number;
  /** `detectorLosses`, then the method's terms with their weights in them. */
  readonly losses: Float32Array;
  /** Sampled regions that are objects. */
  readonly objects: number;
}

/** A detector under training. */
export interface DetectionLearner {
  readonly student: Detector;
  readonly objective: DetectionObjective | undefined;
  readonly optimiser: Optimiser;
  /** Names of `DetectionStep.losses`. */
  readonly lossNames: readonly string[];
  /**
   * One step on one batch.
   *
   * @param at.iteration counted from 0; names the random numbers of the step.
   * @throws LabError of kind `numerics` when a loss is not finite; then no weight has changed.
   */
  step(batch: DetectionBatch, at: { iteration: number; learningRate: number }): DetectionStep;
  dispose(): void;
}

/**
 * Puts a student, what teaches it and an optimiser together.
 *
 * @throws LabError when the method needs a teacher that is not given or does not fit.
 */
export function createDetectionLearner(options: DetectionLearnerOptions): DetectionLearner {
  const { student, teacher, method, seed } = options;
  const objective = objectiveOf(options);
  const parameters = [...student.state.trainable, ...(objective?.state?.trainable ?? [])];
  const optimiser = createOptimiser(parameters, options.optimiser ?? detectionOptimiser);
  const lossNames = [...detectorLosses, ...(method?.terms.map(({ loss }) => loss) ?? [])];
  return {
    student,
    objective,
    optimiser,
    lossNames,
    step: (batch, { iteration, learningRate }) =>
      tidied(() => {
        const { images, frozen, teacherPyramid } = beforeTape(batch, student, objective && teacher);
        let measured: tf.Tensor1D | undefined;
        let objects = 0;
        const { gradients } = lossAndGradients(() => {
          const computed = losses(batch, { frozen, teacherPyramid }, iteration);
          objects = computed.objects;
          const total = tf.addN([...computed.values]) as tf.Scalar;
          measured = tf.keep(tf.stack([total, ...computed.values]) as tf.Tensor1D);
          return total;
        }, parameters);
        images.dispose();
        const numbers = read(measured);
        const result = { total: numbers[0] ?? NaN, losses: numbers.slice(1), objects };
        requireFinite(result, lossNames, iteration);
        const { largestGradient: bound } = options;
        const bounded = bound === undefined ? gradients : clipByGlobalNorm(gradients, bound);
        optimiser.step(bounded, learningRate);
        return result;
      }),
    dispose() {
      optimiser.dispose();
      objective?.dispose();
    },
  };

  function losses(
    { items }: DetectionBatch,
    { frozen, teacherPyramid }: Pick<Prepared, 'frozen' | 'teacherPyramid'>,
    iteration: number,
  ): { readonly values: readonly tf.Scalar[]; readonly objects: number } {
    const mode = { training: true };
    const pyramid = student.pyramid(frozen, mode);
    const proposed = student.propose(pyramid);
    const anchors = student.anchors(pyramid);
    const own = proposalLosses(
      proposed,
      anchorTargets(
        joinBoxes(anchors),
        items.map(({ boxes }) => boxes),
        (image) => random(seed, 'anchors', iteration, image),
        options.anchorSampling ?? anchorSampling,
      ),
    );
    const proposals = findProposals(
      proposed,
      anchors,
      items,
      options.proposals ?? trainingProposals,
    );
    const targets = proposalTargets(
      proposals.map(({ boxes }) => boxes),
      items,
      {
        classes: student.classes,
        randomOf: (image) => random(seed, 'proposals', iteration, image),
        sampling: options.proposalSampling ?? proposalSampling,
      },
    );
    const output = student.detect(pyramid, targets.regions);
    const box = boxLosses(output, targets);
    const distilled =
      objective && teacher && teacherPyramid
        ? objective.terms(
            {
              student: output,
              teacher: teacher.detector.detect(teacherPyramid, targets.regions),
              studentPyramid: pyramid,
              teacherPyramid,
              labels: tf.tensor1d(targets.labels, 'int32'),
            },
            mode,
          )
        : [];
    return {
      values: [own.objectness, own.box, box.classification, box.box, ...distilled],
      objects: targets.objects.length,
    };
  }
}

/** What is computed before the tape is on: nothing of it is differentiated. */
interface Prepared {
  readonly images: tf.Tensor4D;
  readonly frozen: BackboneProgress;
  readonly teacherPyramid: readonly tf.Tensor4D[] | undefined;
}

function beforeTape(
  { images: pixels, height, width, items }: DetectionBatch,
  student: Detector,
  teacher: DetectionTeacher | undefined,
): Prepared {
  const images = tf.tensor4d(pixels, [items.length, height, width, 3]);
  const teacherPyramid =
    teacher &&
    tf.tidy(() => {
      const { detector } = teacher;
      const own = convertPixels(images, items, student.pixels, detector.pixels);
      return detector.pyramid(detector.frozen(own), { training: false });
    });
  return { images, frozen: student.frozen(images), teacherPyramid };
}

function objectiveOf({
  student,
  teacher,
  method,
  seed,
}: DetectionLearnerOptions): DetectionObjective | undefined {
  if (!method || method.terms.length === 0) return undefined;
  if (!teacher) {
    throw new LabError({
      kind: 'option',
      what: `the method '${method.name}' needs a teacher`,
      remedy: 'Name one, or take a method without a teacher',
    });
  }
  return createDetectionObjective(method, { student, teacher, seed });
}

function read(tensor: tf.Tensor1D | undefined): Float32Array {
  if (tensor === undefined) throw new Error('the loss was not computed');
  const numbers = tensor.dataSync<'float32'>().slice();
  tensor.dispose();
  return numbers;
}

function requireFinite(
  { total, losses }: DetectionStep,
  names: readonly string[],
  iteration: number,
): void {
  if (Number.isFinite(total)) return;
  throw new LabError({
    kind: 'numerics',
    what: 'the loss is not a finite number',
    where: `iteration ${iteration + 1}`,
    found: names.map((name, index) => `${name} ${String(losses[index])}`).join(', '),
    remedy: 'Lower the learning rate or the weight of the term that is not finite',
  });
}

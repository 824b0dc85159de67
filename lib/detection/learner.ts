import * as tf from '@tensorflow/tfjs';
import { below, prefixed } from '../distill/objective';
import type { Method } from '../distill/terms';
import { type FloatType, inFloatType } from '../engine/operations/activations';
import type { Precision } from '../engine/precision';
import { random } from '../engine/random';
import { optionError } from '../errors';
import { globalNormClip, type Losses } from '../train/gradients';
import { createOptimiser, type OptimiserOptions, type SgdOptions } from '../train/optimiser';
import type { Trainable } from '../train/task';
import { trainingStep } from '../train/train';
import type { BackboneProgress } from './backbones';
import { boxLosses, proposalSampling, proposalTargets } from './box-head';
import { joinBoxes } from './boxes';
import type { DetectionBatch } from './coco/data';
import type { Detector } from './detector';
import {
  convertPixels,
  createDetectionObjective,
  type DetectionObjective,
  type DetectionTeacher,
} from './distillation';
import {
  anchorSampling,
  anchorTargets,
  findProposals,
  proposalLosses,
  type ProposalOptions,
} from './proposals';
import type { SampleOptions } from './sampling';

/** detectron2's: what is proposed while a detector is trained. */
export const trainingProposals: ProposalOptions = { before: 2000, after: 1000, threshold: 0.7 };

/** detectron2's for Faster R-CNN. */
export const detectionOptimiser: SgdOptions = { momentum: 0.9, weightDecay: 1e-4, nesterov: false };

/** The detector's own losses, in the order of `DetectionStep.losses`; the method's terms follow. */
const detectorLosses = ['objectness', 'proposalBox', 'classification', 'box'] as const;

/** What is trained, by which losses, and how. */
export interface DetectionLearnerOptions {
  readonly student: Detector;
  /** Needed by a method with terms. */
  readonly teacher?: DetectionTeacher;
  /** Distillation beside the detector's own losses; none unless given. */
  readonly method?: Method;
  readonly optimiser?: OptimiserOptions;
  /**
   * What the convolutions of both networks compute in; weights, pooled regions, heads, losses and optimiser stay
   * float32. float32 by default.
   */
  readonly precision?: Precision;
  /** The largest norm of all gradients together; no bound unless given, as in detectron2. */
  readonly largestGradient?: number;
  /** Parts of a batch of which ReviewKD's norms take the statistics apart (`inReplicas`); 1 by default. */
  readonly replicas?: number;
  /** Images over those of a batch; needed by a method with terms that warm up. */
  readonly iterationsPerEpoch?: number;
  /** Of all that is drawn. */
  readonly seed: number;
  readonly proposals?: ProposalOptions;
  readonly anchorSampling?: SampleOptions;
  readonly proposalSampling?: SampleOptions;
}

/** What a step measured before it changed the weights. */
interface DetectionStep {
  readonly total: number;
  /** `detectorLosses`, then the method's terms with their weights in them. */
  readonly losses: Float32Array;
  /** Sampled regions that are objects. */
  readonly objects: number;
}

/** What a step is told of its place. */
export interface IterationPlace {
  /** Counted from 0; names the random numbers of the step. */
  readonly iteration: number;
}

/** A detector under training. */
export interface DetectionLearner extends Trainable<DetectionBatch, IterationPlace> {
  readonly student: Detector;
  readonly objective: DetectionObjective | undefined;
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
 * @throws LabError when the method needs a teacher that is not given or does not fit, or the length of an
 * epoch.
 */
export function createDetectionLearner(options: DetectionLearnerOptions): DetectionLearner {
  const { student, teacher, method, seed, largestGradient: limit } = options;
  const type = options.precision === 'bf16' ? 'bfloat16' : 'float32';
  const iterationsPerEpoch = epochOf(options);
  const objective = objectiveOf(options);
  const parameters = [...student.state.trainable, ...(objective?.state?.trainable ?? [])];
  const optimiser = createOptimiser(parameters, options.optimiser ?? detectionOptimiser);
  const learner: DetectionLearner = {
    student,
    objective,
    parameters,
    optimiser,
    clip: limit === undefined ? undefined : globalNormClip(parameters, limit),
    average: undefined,
    lossNames: [...detectorLosses, ...(method?.terms.map(({ loss }) => loss) ?? [])],
    size: ({ items }) => items.length,
    parts: (batch) => [batch],
    forward(batch, { iteration }) {
      const prepared = beforeTape(batch, { student, teacher: objective && teacher, type });
      return {
        losses: () => losses(batch, prepared, iteration),
        dispose: () => prepared.images.dispose(),
      };
    },
    endPart: () => undefined,
    where: ({ iteration }) => `iteration ${iteration + 1}`,
    step(batch, { iteration, learningRate }) {
      const at = { iteration };
      const { total, terms, counts } = trainingStep(learner, batch, at, learningRate).read();
      return { total, losses: terms, objects: counts[0] ?? 0 };
    },
    save: () =>
      new Map([
        ...prefixed('student/', student.stateDict()),
        ...prefixed('terms/', objective?.state?.stateDict()),
        ...prefixed('optimiser/', optimiser.save()),
      ]),
    restore(entries, where) {
      student.loadStateDict(below(entries, 'student/'), where);
      objective?.state?.loadStateDict(below(entries, 'terms/'), where);
      optimiser.restore(below(entries, 'optimiser/'));
    },
    dispose() {
      learner.clip?.dispose();
      optimiser.dispose();
      objective?.dispose();
    },
  };
  return learner;

  function losses(
    { items }: DetectionBatch,
    { frozen, teacherPyramid }: Pick<Prepared, 'frozen' | 'teacherPyramid'>,
    iteration: number,
  ): Losses {
    const mode = { training: true, replicas: options.replicas };
    const pyramid = student.pyramid(frozen, mode);
    const proposed = student.propose(pyramid, type);
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
              labels: targets.labels,
            },
            { epoch: iteration / iterationsPerEpoch, mode },
          )
        : [];
    const terms = [own.objectness, own.box, box.classification, box.box, ...distilled];
    const total = tf.addN(terms) as tf.Scalar;
    return { total, terms, counts: [tf.scalar(targets.objects.length)] };
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
  {
    student,
    teacher,
    type,
  }: Pick<DetectionLearnerOptions, 'student' | 'teacher'> & { readonly type: FloatType },
): Prepared {
  const images = tf.tensor4d(pixels, [items.length, height, width, 3]);
  const teacherPyramid =
    teacher &&
    tf.tidy(() => {
      const { detector } = teacher;
      const own = convertPixels(images, items, student.pixels, detector.pixels);
      return detector.pyramid(detector.frozen(inFloatType(own, type)), { training: false });
    });
  return { images, frozen: student.frozen(inFloatType(images, type)), teacherPyramid };
}

function objectiveOf({
  student,
  teacher,
  method,
  seed,
}: DetectionLearnerOptions): DetectionObjective | undefined {
  if (!method || method.terms.length === 0) return undefined;
  if (!teacher) {
    throw optionError`the method '${method.name}' needs a teacher. Name one, or take a method without a teacher`;
  }
  return createDetectionObjective(method, { student, teacher, seed });
}

/** Iterations of an epoch; infinite where no term asks for them. */
function epochOf({ method, iterationsPerEpoch }: DetectionLearnerOptions): number {
  const warming = method?.terms.find(({ warmUpEpochs = 0 }) => warmUpEpochs > 0);
  if (iterationsPerEpoch !== undefined && iterationsPerEpoch > 0) return iterationsPerEpoch;
  if (warming === undefined) return Infinity;
  throw optionError`the term '${warming.loss}' warms up over epochs of unknown length (method ${method?.name ?? ''}): found iterationsPerEpoch ${String(iterationsPerEpoch)}. Give iterationsPerEpoch: the training images over those of a batch`;
}

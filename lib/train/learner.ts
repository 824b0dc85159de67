import * as tf from '@tensorflow/tfjs';
import { type EmbeddingAdapter, embeddingAdapter } from '../distill/adapter';
import {
  type FusionBlocks,
  fusionBlocks,
  reviewedChannels,
  studentFeatures,
  teacherFeatures,
} from '../distill/fusion-blocks';
import { type BatchSignals, objective } from '../distill/objective';
import {
  type Method,
  needsFusionBlocks,
  needsNormMemory,
  needsTeacher,
  needsTeacherSpace,
} from '../distill/terms';
import { random as randomOf, type Random } from '../engine/random';
import { tidied } from '../engine/tidied';
import { LabError } from '../errors';
import { embeddingNorms, NormMemory } from '../losses';
import type { Model } from '../nn/model';
import { lossAndGradients } from './gradients';
import { type Sgd, sgd, type SgdOptions } from './sgd';

/** A teacher as training uses it: never trained, always in evaluation mode. */
export interface Teacher {
  readonly model: Model;
  /** [classes, embeddingSize]; needed by methods that use directions. */
  readonly classMeans?: Float32Array;
}

/** One batch, as bytes became numbers. */
export interface Batch {
  /** [size, height, width, 3], normalised. */
  readonly images: tf.Tensor4D;
  /** [size], int32 */
  readonly labels: tf.Tensor1D;
  /** Places of the samples in the training set; needed by methods that remember each sample's norm. */
  readonly indices?: Int32Array;
}

/** What a step measured before it changed the weights. */
export interface StepResult {
  /** Sum of the weighted terms. */
  readonly total: number;
  /** Each term with its weight in it, in the method's order. */
  readonly terms: Float32Array;
  /** Samples whose highest logit is their label's. */
  readonly correct: number;
}

/** A student under training: its weights, its adapter's, the optimiser's and SIFN's memory. */
export interface Learner {
  readonly student: Model;
  readonly adapter: EmbeddingAdapter | undefined;
  readonly fusion: FusionBlocks | undefined;
  readonly optimiser: Sgd;
  /** SIFN's memory, for methods that keep each sample's last norm. */
  norms: NormMemory | undefined;
  /**
   * One step of SGD on one batch.
   *
   * @param at.epoch counted from 0, for the warm-ups.
   * @param at.random where dropout draws from; a stream of the learner's seed and steps when not given.
   * @throws LabError of kind `numerics` when a loss is not finite; then no weight has changed.
   */
  step(batch: Batch, at: { epoch: number; learningRate: number; random?: Random }): StepResult;
  dispose(): void;
}

export interface LearnerOptions {
  readonly student: Model;
  readonly teacher?: Teacher;
  readonly method: Method;
  /** The paper's by default: Nesterov momentum 0.9, weight decay 5e-4. */
  readonly optimiser?: SgdOptions;
  /** Of the adapter's weights and dropout; 0 by default. */
  readonly seed?: number;
  /** Of the embedding adapter's entries, in training: 0.5 by default, as in the paper's code. */
  readonly adapterDropout?: number;
  /** Size of the training set; needed by methods that remember each sample's norm. */
  readonly samples?: number;
}

const paperOptimiser: SgdOptions = { momentum: 0.9, weightDecay: 5e-4, nesterov: true };

/**
 * Puts a student, a method and an optimiser together.
 *
 * @throws LabError when the method needs a teacher or class means that are not given, or the teacher
 * knows another number of classes.
 */
export function createLearner(options: LearnerOptions): Learner {
  const { student, teacher, method, seed = 0, samples = 0, adapterDropout } = options;
  checkTeacher(options);
  const teacherSize = teacher?.model.embeddingSize ?? student.embeddingSize;
  const adapter =
    needsTeacherSpace(method) && teacherSize !== student.embeddingSize
      ? embeddingAdapter({
          studentSize: student.embeddingSize,
          teacherSize,
          seed,
          ...(adapterDropout === undefined ? {} : { dropoutProbability: adapterDropout }),
        })
      : undefined;
  const fusion =
    teacher && needsFusionBlocks(method)
      ? fusionBlocks({
          studentChannels: reviewedChannels(student),
          teacherChannels: reviewedChannels(teacher.model),
          seed,
        })
      : undefined;
  const parameters = [student, adapter, fusion].flatMap((part) => part?.state.trainable ?? []);
  const optimiser = sgd(parameters, options.optimiser ?? paperOptimiser);
  const runsTeacher = needsTeacher(method);
  const classMeans = teacher?.classMeans
    ? tf.keep(
        tf.tensor2d(teacher.classMeans.slice(), [
          teacher.model.classes,
          teacher.model.embeddingSize,
        ]),
      )
    : undefined;

  let steps = 0;
  const learner: Learner = {
    student,
    adapter,
    fusion,
    optimiser,
    norms: needsNormMemory(method) ? new NormMemory(samples) : undefined,
    step(batch, { epoch, learningRate, random = randomOf(seed, 'dropout', steps) }) {
      steps++;
      return tidied(() => {
        const signalsOfTeacher: Partial<BatchSignals> =
          teacher && runsTeacher ? teacherSignals(teacher, batch) : {};
        const { norms } = learner;
        let measured: tf.Tensor1D | undefined;
        let seenNorms: tf.Tensor1D | undefined;
        const { gradients } = lossAndGradients(() => {
          const mode = { training: true, random };
          const output = student.forward(batch.images, mode);
          const embedding = adapter ? adapter.forward(output.embedding, mode) : output.embedding;
          if (norms) seenNorms = tf.keep(embeddingNorms(embedding));
          const targets = signalsOfTeacher.teacherFeatures;
          const signals: BatchSignals = {
            studentLogits: output.logits,
            studentEmbedding: embedding,
            labels: batch.labels,
            ...signalsOfTeacher,
            ...(classMeans ? { classMeans } : {}),
            ...(fusion && targets
              ? {
                  fusedFeatures: fusion.forward(
                    studentFeatures(output),
                    targets.map(({ shape }) => shape[1]),
                    mode,
                  ),
                }
              : {}),
            ...(norms && seenNorms ? { previousNorms: previous(norms, batch, seenNorms) } : {}),
          };
          const { total, terms } = objective(method, signals, epoch);
          measured = tf.keep(
            tf.stack([total, ...terms, correctOf(output.logits, batch.labels)]) as tf.Tensor1D,
          );
          return total;
        }, parameters);
        const numbers = readAndDispose(measured);
        const result = {
          total: numbers[0] ?? NaN,
          terms: numbers.slice(1, -1),
          correct: numbers[numbers.length - 1] ?? 0,
        };
        const lastNorms = seenNorms ? readAndDispose(seenNorms) : undefined;
        requireFinite(result, method);
        optimiser.step(gradients, learningRate);
        if (norms && lastNorms) norms.update(placesOf(batch), lastNorms);
        return result;
      });
    },
    dispose() {
      optimiser.dispose();
      adapter?.state.dispose();
      fusion?.state.dispose();
      classMeans?.dispose();
    },
  };
  return learner;
}

function teacherSignals({ model }: Teacher, { images }: Batch): Partial<BatchSignals> {
  const output = model.forward(images, { training: false });
  return {
    teacherLogits: output.logits,
    teacherEmbedding: output.embedding,
    teacherFeatures: teacherFeatures(output),
  };
}

function previous(norms: NormMemory, batch: Batch, current: tf.Tensor1D): tf.Tensor1D {
  return tf.tensor1d(norms.previous(placesOf(batch), current.dataSync<'float32'>()));
}

function placesOf({ indices }: Batch): Int32Array {
  if (indices !== undefined) return indices;
  throw new LabError({
    kind: 'data',
    what: 'a method that remembers each sample’s norm needs to know the samples',
    remedy: 'Give the batch its indices in the training set',
  });
}

function correctOf(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Scalar {
  const hits = tf.equal(tf.argMax(logits, 1), labels);
  return tf.sum<tf.Scalar>(tf.cast(hits, 'float32'));
}

function readAndDispose(tensor: tf.Tensor1D | undefined): Float32Array {
  if (tensor === undefined) throw new Error('the loss was not computed');
  const numbers = tensor.dataSync<'float32'>().slice();
  tensor.dispose();
  return numbers;
}

function requireFinite({ total, terms }: StepResult, { name, terms: named }: Method): void {
  if (Number.isFinite(total)) return;
  const shares = named.map(({ loss }, index) => `${loss} ${String(terms[index])}`).join(', ');
  throw new LabError({
    kind: 'numerics',
    what: 'the loss is not a finite number',
    where: `method ${name}`,
    found: `total ${total} (${shares})`,
    remedy: 'Lower the learning rate or the weight of the term that is not finite',
  });
}

function checkTeacher({ student, teacher, method }: LearnerOptions): void {
  const needed = needsTeacher(method) || needsTeacherSpace(method);
  if (needed && !teacher) {
    throw new LabError({
      kind: 'option',
      what: `the method '${method.name}' needs a teacher`,
      remedy: 'Name one, or take a method without a teacher',
    });
  }
  if (teacher && teacher.model.classes !== student.classes) {
    throw new LabError({
      kind: 'model',
      what: 'the teacher knows another number of classes than the student',
      found: `${teacher.model.name} with ${teacher.model.classes}, ${student.name} with ${student.classes}`,
      remedy: 'Take a teacher that was trained on this data set',
    });
  }
}

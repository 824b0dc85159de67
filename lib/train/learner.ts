import * as tf from '@tensorflow/tfjs';
import { type EmbeddingAdapter, embeddingAdapter } from '../distill/adapter';
import {
  below,
  comparedEmbedding,
  createObjective,
  type Objective,
  prefixed,
} from '../distill/objective';
import type { BatchSignals, FeaturePlace } from '../distill/term';
import { type Method, needs } from '../distill/terms';
import { type FloatType, inFloatType } from '../engine/operations/activations';
import type { Precision } from '../engine/precision';
import { random as randomOf, type Random } from '../engine/random';
import { type LabError, modelError, optionError } from '../errors';
import type { LinearStart } from '../nn/layers';
import type { Model, ModelOutput } from '../nn/model';
import { tracedEvaluation, tracedTraining } from '../nn/traced';
import { type Batch, microBatches } from './batch-source';
import { globalNormClip } from './gradients';
import { createOptimiser, type OptimiserOptions } from './optimiser';
import type { ForwardPass, Trainable } from './task';
import type { TeacherMemory } from './teacher-memory';
import { trainingStep } from './train';
import { weightAverage, type WeightAverageOptions } from './weight-average';

export type { Batch } from './batch-source';

/**
 * A teacher as training uses it: never trained, in evaluation mode but for terms that need its batch norms
 * to take the batch's statistics.
 */
export interface Teacher {
  readonly model: Model;
  /** [classes, embeddingSize]; needed by methods that use directions. */
  readonly classMeans?: Float32Array;
  /** Its class means of other places, [classes × size]; needed by methods that take features there. */
  readonly classMeansAt?: ReadonlyMap<FeaturePlace, Float32Array>;
  /** Its embeddings of the training images' views, asked before the teacher itself where they suffice. */
  readonly memory?: TeacherMemory;
  /** Mean of ‖f‖ over the test set, where it has been measured already. */
  readonly embeddingNorm?: number;
  /** Mean cosine of f to its own class's mean over the test set, where it has been measured with the norm. */
  readonly cosineToClassMean?: number | null;
}

/** What a step measured before it changed the weights. */
export interface StepResult {
  /** Sum of the weighted terms. */
  readonly total: number;
  /** Each term with its weight in it, in the method's order. */
  readonly terms: Float32Array;
  /** Samples whose highest logit is their label's; of mixed images the label of the larger part. */
  readonly correct: number;
}

/** What a step is told of its place. */
export interface StepPlace {
  /** Counted from 0, for the warm-ups. */
  readonly epoch: number;
  /** Where dropout draws from. */
  readonly random: Random;
}

/** A student under training: its weights, its adapter's, what the method's terms own, and the optimiser. */
export interface Learner extends Trainable<Batch, StepPlace> {
  readonly student: Model;
  readonly adapter: EmbeddingAdapter | undefined;
  readonly objective: Objective;
  /**
   * One step of the optimiser on one batch.
   *
   * @param at.epoch counted from 0, for the warm-ups.
   * @param at.random where dropout draws from; a stream of the learner's seed and steps when not given.
   * @throws LabError of kind `numerics` when a loss is not finite; then no weight has changed, but batch norms'
   *   running statistics have, and a learner is not to be stepped again.
   */
  step(batch: Batch, at: { epoch: number; learningRate: number; random?: Random }): StepResult;
  /** Frees what the learner has made; student and teacher are their owner’s. */
  dispose(): void;
}

/** What is trained, by which losses, and how. */
export interface LearnerOptions {
  readonly student: Model;
  readonly teacher?: Teacher;
  readonly method: Method;
  /** The paper's by default: Nesterov momentum 0.9, weight decay 5e-4. */
  readonly optimiser?: OptimiserOptions;
  /**
   * Samples that are computed at once: the gradients of a larger batch are the weighted sums of its
   * parts'. That equals the whole batch for losses that are means over samples, up to rounding; batch
   * norms take the statistics of each part, as they do in PyTorch. The whole batch by default.
   */
  readonly microBatch?: number;
  /**
   * What both networks compute in; weights, statistics, losses and optimiser stay float32, and so does, in bfloat16, a
   * network that has parts without it.
   */
  readonly precision?: Precision;
  /** Hears of a network that stays in float32. */
  readonly onNotice?: (message: string) => void;
  /**
   * Whether the networks' passes become functions of TensorFlow after some steps, where the engine can (the native
   * one on a CPU); as by default. The numbers are the same to the bit; each operation can be timed only without.
   */
  readonly functions?: boolean;
  /** Whether the student's norms that the published model calls twice count twice; they do by default. */
  readonly repeatedNorms?: boolean;
  /**
   * Parts of a batch of which the student's norms take the statistics apart, as PyTorch's on as many GPUs; running
   * statistics move by the first alone. 1 by default. A micro batch is its share of them.
   */
  readonly replicas?: number;
  /** How the adapter's linear layer begins; as PyTorch's by default. */
  readonly adapterStart?: LinearStart;
  /** The gradients' norm is cut off at this; not by default. */
  readonly clipNorm?: number;
  /** Keeps a running average of the student's weights; not by default. */
  readonly average?: WeightAverageOptions;
  /** Of the adapter's weights and dropout; 0 by default. */
  readonly seed?: number;
  /** Of the embedding adapter's entries, in training: 0.5 by default, as in the paper's code. */
  readonly adapterDropout?: number;
  /** Size of the training set; needed by methods that remember each sample's norm. */
  readonly samples?: number;
  /** The training set's labels; needed by CRD. */
  readonly labels?: ArrayLike<number>;
}

const paperOptimiser: OptimiserOptions = { momentum: 0.9, weightDecay: 5e-4, nesterov: true };

/**
 * Puts a student, a method and an optimiser together.
 *
 * @throws LabError when the method needs a teacher or class means that are not given, or the teacher
 * knows another number of classes.
 */
export function createLearner(options: LearnerOptions): Learner {
  const { student, teacher, method, seed = 0, samples = 0, labels, adapterDropout } = options;
  checkTeacher(options);
  checkPrecision(options);
  const teacherSize = teacher?.model.embeddingSize ?? student.embeddingSize;
  const adapter =
    needs(method, 'teacher space') && teacherSize !== student.embeddingSize
      ? embeddingAdapter({
          studentSize: student.embeddingSize,
          teacherSize,
          seed,
          dropoutProbability: adapterDropout,
          linearStart: options.adapterStart,
        })
      : undefined;
  const objective = createObjective(method, {
    student,
    teacher: teacher?.model,
    seed,
    samples,
    labels,
    adapterStart: options.adapterStart,
    adapterDropout,
    classMeansAt: teacher?.classMeansAt,
  });
  const parameters = [
    ...student.state.trainable,
    ...(adapter?.state.trainable ?? []),
    ...objective.trainable,
  ];
  const optimiser = createOptimiser(parameters, options.optimiser ?? paperOptimiser);
  const average = options.average && weightAverage(student.state, options.average);
  const running = teacher && needs(method, 'teacher') ? teacher.model : undefined;
  const read = {
    features: needs(method, 'features'),
    preActivations: needs(method, 'pre-activations'),
  };
  const teacherMode = {
    training: false,
    batchStatistics: needs(method, 'teacher batch statistics'),
    ...read,
  };
  const memory = running && remembers(method, running) ? teacher?.memory : undefined;
  const { functions = true, repeatedNorms = true, replicas = 1, clipNorm } = options;
  const tracedTeacher = running && functions ? tracedEvaluation(running, teacherMode) : undefined;
  const tracedStudent = functions
    ? tracedTraining(student, { training: true, repeatedNorms, ...read })
    : undefined;
  const studentType = floatTypeOf(student, options.precision);
  const teacherType = running ? floatTypeOf(running, options.precision) : studentType;
  const classMeans = teacher?.classMeans
    ? tf.keep(
        tf.tensor2d(teacher.classMeans.slice(), [
          teacher.model.classes,
          teacher.model.embeddingSize,
        ]),
      )
    : undefined;

  const ask =
    running &&
    ((given: tf.Tensor4D): ModelOutput => {
      const images = inFloatType(given, teacherType);
      return tracedTeacher?.forward(images) ?? running.forward(images, teacherMode);
    });
  const recall = ({ images, indices, views }: Batch): ModelOutput | undefined => {
    if (!ask) return undefined;
    let answer: ModelOutput | undefined;
    const embedding = memory?.embeddings({ images, indices, views }, (part) => {
      answer = ask(part);
      return answer.embedding;
    });
    // Where nothing was remembered, the teacher has answered to the whole batch.
    if (embedding && embedding === answer?.embedding) return answer;
    const logits = embedding && running.classify?.(embedding, teacherMode);
    return logits && { logits, embedding, features: [], preActivations: [] };
  };

  const forward = (batch: Batch, { epoch, random }: StepPlace): ForwardPass => {
    const part = { ...batch, images: inFloatType(batch.images, studentType) };
    const shown = teacherType === studentType ? part : batch;
    const given: Pick<BatchSignals, 'teacher' | 'classMeans' | 'indices'> = {
      teacher: recall(shown) ?? ask?.(shown.images),
      classMeans,
      indices: part.indices,
    };
    const norms = part.norms ?? { replicas };
    objective.prepare(part.images, norms);
    const traced = tracedStudent?.forward(part.images, norms, random);
    return {
      traced,
      losses() {
        const mode = { training: true, random, repeatedNorms, ...norms, ...read };
        const output = traced?.output ?? student.forward(part.images, mode);
        const embedding = comparedEmbedding(output);
        const studentEmbedding = adapter?.forward(embedding, mode) ?? embedding;
        const signals = labelled(part, method, { ...given, student: output, studentEmbedding });
        const { total, terms } = objective.value(signals, { epoch, mode });
        return { total, terms, counts: [correctOf(output.logits, part)] };
      },
      dispose: () => traced?.dispose(),
    };
  };

  let steps = 0;
  const learner: Learner = {
    student,
    adapter,
    objective,
    parameters,
    optimiser,
    clip: clipNorm === undefined ? undefined : globalNormClip(parameters, clipNorm),
    average,
    lossNames: method.terms.map(({ loss }) => loss),
    size: ({ labels: { shape } }) => shape[0],
    parts: (batch) =>
      microBatches(batch, options.microBatch ?? Infinity).map((part, index, parts) =>
        replicas === 1 || parts.length === 1
          ? part
          : {
              ...part,
              norms: {
                replicas: Math.round((replicas * part.labels.shape[0]) / batch.labels.shape[0]),
                moving: index === 0,
              },
            },
      ),
    forward,
    endPart: (kept, stepped) => objective.endPart(kept, stepped),
    where: () => `method ${method.name}`,
    step(batch, { epoch, learningRate, random = randomOf(seed, 'dropout', steps) }) {
      steps++;
      const { total, terms, counts } = trainingStep(
        learner,
        batch,
        { epoch, random },
        learningRate,
      ).read();
      return { total, terms, correct: counts[0] ?? 0 };
    },
    save: () =>
      new Map([
        ...prefixed('student/', student.stateDict()),
        ...prefixed('adapter/', adapter?.state.stateDict()),
        ...prefixed('terms/', objective.save()),
        ...prefixed('optimiser/', optimiser.save()),
        ...prefixed('average/', average?.save()),
        ['steps', { shape: [1], data: Float32Array.of(steps) }],
      ]),
    restore(entries, where) {
      student.loadStateDict(below(entries, 'student/'), where);
      adapter?.state.loadStateDict(below(entries, 'adapter/'), where);
      objective.restore(below(entries, 'terms/'), where);
      optimiser.restore(below(entries, 'optimiser/'));
      average?.restore(below(entries, 'average/'));
      steps = entries.get('steps')?.data[0] ?? 0;
    },
    dispose() {
      learner.clip?.dispose();
      optimiser.dispose();
      average?.dispose();
      adapter?.state.dispose();
      objective.dispose();
      classMeans?.dispose();
      tracedTeacher?.dispose();
      tracedStudent?.dispose();
    },
  };
  return learner;
}

/** With the labels as the terms see them; those of mixed images only where they are asked for as mixed. */
function labelled(
  { labels, mix }: Batch,
  method: Method,
  signals: Omit<BatchSignals, 'labels' | 'mix'>,
): BatchSignals {
  if (mix === undefined) return { ...signals, labels };
  return {
    ...signals,
    mix: { labels, ...mix },
    get labels(): tf.Tensor1D {
      throw mixedImages(method);
    },
  };
}

function mixedImages({ name }: Method): LabError {
  return optionError`a term of the method takes one label an image, and the augmentation mixes images (method ${name}). Use softCrossEntropy and mixedNormDirection in its place, or an augmentation without mixup and cutmix`;
}

function correctOf(logits: tf.Tensor2D, { labels, mix }: Batch): tf.Scalar {
  const larger = mix ? tf.where(tf.greaterEqual(mix.lambda, 0.5), labels, mix.partners) : labels;
  const hits = tf.equal(tf.argMax(logits, 1), larger);
  return tf.sum<tf.Scalar>(tf.cast(hits, 'float32'));
}

/** The type of the images that a network is given: bfloat16 where that is asked for and all of the network has it. */
export function floatTypeOf({ bfloat16 }: Model, precision: Precision = 'f32'): FloatType {
  return precision === 'bf16' && bfloat16 === true ? 'bfloat16' : 'float32';
}

function checkPrecision(options: LearnerOptions): void {
  const { precision = 'f32', method, student, teacher, onNotice } = options;
  if (precision !== 'bf16') return;
  const networks = [student, ...(teacher && needs(method, 'teacher') ? [teacher.model] : [])];
  const unable = networks.filter(({ bfloat16 }) => bfloat16 !== true).map(({ name }) => name);
  if (unable.length === networks.length) {
    const compute = unable.length === 1 ? 'computes' : 'compute';
    throw optionError`${unable.join(' and ')} ${compute} in float32 only (--precision bf16). Use --precision f32, or say \`bfloat16: true\` of a network that takes images in it`;
  }
  for (const name of unable)
    onNotice?.(`${name} has parts without bfloat16 and computes in float32`);
}

function checkTeacher({ student, teacher, method }: LearnerOptions): void {
  const needed = needs(method, 'teacher') || needs(method, 'teacher space');
  if (needed && !teacher) {
    throw optionError`the method '${method.name}' needs a teacher. Name one, or take a method without a teacher`;
  }
  if (needs(method, 'class means') && !teacher?.classMeans) {
    throw optionError`the method '${method.name}' needs the teacher's class means. Make them with \`npm run class-means\``;
  }
  if (teacher && teacher.model.classes !== student.classes) {
    throw modelError`the teacher knows another number of classes than the student: found ${teacher.model.name} with ${teacher.model.classes}, ${student.name} with ${student.classes}. Take a teacher that was trained on this data set`;
  }
}

/** Whether a teacher's embeddings and what follows from them are all that the method takes of it. */
export function remembers(method: Method, { classify }: { readonly classify?: unknown }): boolean {
  const beyond = ['features', 'pre-activations', 'teacher batch statistics'] as const;
  return (
    needs(method, 'teacher') &&
    classify !== undefined &&
    !beyond.some((need) => needs(method, need))
  );
}

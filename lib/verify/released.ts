import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { studentFeatures, teacherFeatures } from '../distill/fusion-blocks';
import {
  crossEntropy,
  type LossTerm,
  mixedNormDirection,
  normDirection,
  softCrossEntropy,
  tokenDistillation,
  warmUp,
} from '../distill/terms';
import { comparedEmbedding } from '../distill/objective';
import { reviewKdBlocks, type ReviewKdOptions } from '../distill/terms/review-kd';
import { random } from '../engine/random';
import { tidied } from '../engine/tidy';
import { fileError } from '../errors';
import { cifarModels, createModel, imageNetModels, modelName } from '../models/registry';
import type { Model, ModelOutput } from '../nn/model';
import type { ModelState } from '../nn/state';
import { backward } from '../train/gradients';
import { type Batch, createLearner, type Learner } from '../train/learner';
import {
  type CaseOutcome,
  type Checker,
  compareStages,
  compareText,
  type Disturbance,
  euclideanNorm,
  type Mismatch,
  namedStage,
  NotAvailable,
  readReference,
  type Stage,
} from './compare';
import { deterministic, deterministicLabels } from './deterministic';
import {
  batchOf,
  compareFeatures,
  distillationOf,
  disturbWeights,
  type Feature,
  gradientNorms,
  imagesOf,
  readFeature,
  weightsFor,
} from './networks';

/** Share by which anything may differ in float32. */
const tolerance = 1e-4;
/** Of gradients in deep networks, where a ReLU that opens by rounding moves all gradients before it. */
const largestAllowance = 1e-2;

const featureForm = z.object({
  shape: z.array(z.number().int().positive()),
  mean: z.number(),
  norm: z.number(),
  shareNegative: z.number(),
});

const form = z.object({
  what: z.string(),
  prefix: z.string(),
  batch: z.number().int().min(2),
  classes: z.number().int().min(3),
  imageSize: z.number().int().positive().optional(),
  /** λ, with which each image is joined with that of the mirror place; the labels are smoothed. */
  mixup: z.number().min(0).max(1).optional(),
  smoothing: z.number().min(0).lt(1).default(0.1),
  /** Counted from 0, for the warm-ups; without it they are over. */
  epoch: z.number().int().min(0).default(1e6),
  warmUpEpochs: z
    .object({ kd: z.number().positive(), nd: z.number().positive().optional() })
    .optional(),
  /** Each loss is given with its weight in it. */
  weights: z
    .object({
      ce: z.number(),
      nd: z.number(),
      kd: z.number().optional(),
      alpha: z.number().optional(),
      beta: z.number().optional(),
    })
    .default({ ce: 1, nd: 1 }),
  temperature: z.number().positive().optional(),
  teacherFeatures: z.array(featureForm).optional(),
  fusedStudentFeatures: z.array(featureForm).optional(),
  teacherEmbedding: featureForm,
  adaptedEmbedding: featureForm,
  studentLogits: featureForm,
  distillationLogits: featureForm.optional(),
  labels: z.array(z.number().int()),
  ce: z.number(),
  kd: z.number().optional(),
  dkd: z.number().optional(),
  dist: z.number().optional(),
  hcl: z.number().optional(),
  nd: z.number(),
  gradientNorms: z.record(z.string(), z.number()),
  /** The largest relative change of these in PyTorch when the images change in their last bit. */
  rounding: z.number().nonnegative().optional(),
  /** Norms of the student's running statistics after the step. */
  runningNorms: z.record(z.string(), z.number()).default({}),
});

type Entry = z.infer<typeof form>;

/** One training step of the paper's released code, executed: `released-….json`. */
export const releasedChecker: Checker = {
  entry: 'released-*.json',
  cases: (path) => {
    const entry = readReference(path, form);
    const release = releaseOf(entry, path);
    return [
      {
        name: `${release.code}, ${release.method}: ${release.teacher} → ${release.student}`,
        run: () => check(entry, release),
      },
    ];
  },
};

/** What ran. */
interface Release {
  readonly code: ReleasedCode;
  /** `KD++` */
  readonly method: string;
  /** The networks' names here. */
  readonly teacher: string;
  readonly student: string;
}

type ReleasedCode = 'CIFAR' | 'ImageNet';

const whatForm = /^The released (\S+) (\S+) code, executed: (\S+) -> ([^\s,]+)/;

function releaseOf({ what }: Entry, path: string): Release {
  const [, code = '', method = '', teacher = '', student = ''] = whatForm.exec(what) ?? [];
  if (code === 'CIFAR' || code === 'ImageNet') {
    return { code, method, teacher: nameHere(teacher), student: nameHere(student) };
  }
  throw fileError`${path}: 'what' does not say which released code ran: found '${what}'. It begins so: The released CIFAR KD++ code, executed: resnet56 -> resnet20`;
}

/** The released code's names of networks that have others here. */
const releasedNames: Readonly<Record<string, string>> = {
  wrn40_1: 'wrn_40_1',
  wrn40_2: 'wrn_40_2',
  mobilenetv1: 'mobilenet_v1',
  mobilenetv2: 'MobileNetV2',
  shufflev1: 'ShuffleV1',
  shufflev2: 'ShuffleV2',
};

function nameHere(name: string): string {
  const released = name.replace(/_cifar$/, '');
  if (name === 'resnet50_cifar') return 'ResNet50';
  return releasedNames[released] ?? released;
}

/**
 * Which features the released ImageNet code compares: its ResNets run `ReLU(inplace=True)` over what they
 * have put aside, its MobileNet does not.
 */
function releasedReviewKd(student: string): ReviewKdOptions {
  return student === 'mobilenet_v1'
    ? { teacherStages: 'after ReLU', studentStages: 'before ReLU', mostMiddleChannels: 256 }
    : { teacherStages: 'after ReLU' };
}

/** The names under which the losses stand in the file and their terms, in the order of the sum. */
type Losses = readonly [name: 'ce' | 'kd' | 'dkd' | 'dist' | 'hcl' | 'nd', term: LossTerm][];

function lossesOf(entry: Entry, release: Release): Losses {
  const { weights, warmUpEpochs, temperature = release.code === 'CIFAR' ? 4 : 1 } = entry;
  const { kd: weight = 1, alpha = 1, beta = 1 } = weights;
  const warm = (epochs: number | undefined, term: LossTerm): LossTerm =>
    epochs === undefined ? term : warmUp(epochs, term);
  if (release.method === 'DeiT++') {
    const { smoothing } = entry;
    return [
      ['ce', softCrossEntropy({ weight: weights.ce, smoothing })],
      ['kd', warm(warmUpEpochs?.kd, tokenDistillation({ weight, kind: 'hard' }))],
      ['nd', warm(warmUpEpochs?.nd, mixedNormDirection({ weight: weights.nd, smoothing }))],
    ];
  }
  const [name, distillation] = distillationOf(release.method, {
    ...(release.code === 'CIFAR' ? {} : releasedReviewKd(release.student)),
    ...{ weight, alpha, beta, temperature },
  });
  return [
    ['ce', crossEntropy({ weight: weights.ce })],
    [name, warm(warmUpEpochs?.kd, distillation)],
    ['nd', warm(warmUpEpochs?.nd, normDirection({ weight: weights.nd }))],
  ];
}

function check(entry: Entry, release: Release): CaseOutcome {
  const { prefix, classes, batch: samples } = entry;
  const [published, architectures] =
    release.code === 'CIFAR' ? ([32, cifarModels] as const) : ([224, imageNetModels] as const);
  const side = entry.imageSize ?? published;
  const missing = [release.teacher, release.student].find(
    (name) => !Object.hasOwn(architectures, name),
  );
  if (missing !== undefined) throw new NotAvailable(`model '${missing}' of ${release.code}`);
  const losses = lossesOf(entry, release);
  const [student, teacher] = [release.student, release.teacher].map((name) =>
    createModel(modelName(name), { classes, imageSize: side }),
  ) as [Model, Model];
  const learner = createLearner({
    student,
    teacher: {
      model: teacher,
      classMeans: deterministic(`${prefix}/centers`, [classes, teacher.embeddingSize], 0.5, 0.5),
    },
    method: { name: release.method, terms: losses.map(([, term]) => term) },
    samples,
    adapterDropout: 0,
    repeatedNorms: false,
  });
  const named = namedStates(learner, release);
  const first = named.map(({ state, folder, released }) => ({
    state,
    weights: weightsFor(state, `${prefix}/${folder}`, released),
  }));
  teacher.loadStateDict(
    weightsFor(teacher.state, `${prefix}/teacher`, keyInRelease(release, release.teacher)),
  );
  const labels = deterministicLabels(`${prefix}/labels`, samples, classes);
  /** The step from its beginning: with the weights as they were, and its batch. */
  const fresh = <Result>(disturbance: Disturbance, work: (batch: Batch) => Result): Result => {
    for (const { state, weights } of first) {
      state.loadStateDict(disturbWeights(weights, disturbance));
    }
    return tidied(() => {
      const images = imagesOf(`${prefix}/input`, [samples, 3, side, side], disturbance);
      return work(mixed(batchOf(images, labels), entry));
    });
  };
  try {
    const found = fresh(undefined, ({ images }) => featuresOf(learner, teacher, images, losses));
    const expected = expectedOf(entry, losses);
    const step = compareStages(
      stagesOf(expected, expected),
      (disturbance) =>
        fresh(disturbance, (batch) =>
          stagesOf(expected, measure(entry, learner, named, batch, losses)),
        ),
      { tolerance, rounding: entry.rounding, largestAllowance },
    );
    return { ...step, mismatches: [...compareForward(entry, labels, found), ...step.mismatches] };
  } finally {
    learner.dispose();
    student.dispose();
    teacher.dispose();
  }
}

/** The batch with each image joined with that of the mirror place, as the released `Mixup` does it. */
function mixed(batch: Batch, { mixup }: Entry): Batch {
  if (mixup === undefined) return batch;
  const { images, labels } = batch;
  return {
    ...batch,
    images: tf.add(tf.mul(images, mixup), tf.mul(tf.reverse4d(images, 0), 1 - mixup)),
    mix: { partners: tf.reverse1d(labels), lambda: tf.fill(labels.shape, mixup) },
  };
}

type FeatureName =
  | 'teacherFeatures'
  | 'fusedStudentFeatures'
  | 'teacherEmbedding'
  | 'adaptedEmbedding'
  | 'studentLogits'
  | 'distillationLogits';
type Features = Readonly<Record<FeatureName, readonly Feature[]>>;

/** What is trained, and its names in the released code. */
interface NamedState {
  readonly state: ModelState;
  /** Under which the names of its weights stand. */
  readonly folder: 'student' | 'model';
  readonly released: (key: string) => string;
}

function namedStates({ student, adapter, objective }: Learner, release: Release): NamedState[] {
  const part = (state: ModelState | undefined, name: string): NamedState[] =>
    state ? [{ state, folder: 'model', released: (key) => `${name}.${key}` }] : [];
  return [
    {
      state: student.state,
      folder: 'student',
      released: keyInRelease(release, release.student),
    },
    ...part(adapter?.state, 'fc1'),
    ...part(objective.part('reviewKd')?.state, 'abfs'),
  ];
}

/** The name of a gradient in the file: `student.conv1.weight`, `fc1.2.weight`. */
function gradientName({ folder, released }: NamedState, key: string): string {
  return folder === 'student' ? `student.${released(key)}` : released(key);
}

/** Keys that the released code has changed from mdistiller's, in all but its ReviewKD++ for CIFAR-100. */
function keyInRelease({ code, method }: Release, model: string): (key: string) => string {
  if (model.startsWith('deit')) return (key) => key.replace(/^dist_token$/, 'dis_token');
  if (code !== 'CIFAR' || method.startsWith('ReviewKD')) return (key) => key;
  if (model.startsWith('wrn')) return (key) => key.replace(/^bn1\./, 'bn.');
  return model === 'ResNet50' ? (key) => key : (key) => key.replace(/^linear\./, 'fc.');
}

function featuresOf(
  { student, adapter, objective }: Learner,
  teacher: Model,
  images: tf.Tensor4D,
  losses: Losses,
): Features {
  const taught = teacher.forward(images, { training: false });
  const own = student.forward(images, { training: true, repeatedNorms: false });
  const compared = comparedEmbedding(own);
  const adapted = adapter?.forward(compared, { training: true }) ?? compared;
  return {
    ...reviewed({ student, teacher, objective }, { taught, own }, losses),
    teacherEmbedding: [readFeature(taught.embedding)],
    adaptedEmbedding: [readFeature(adapted)],
    studentLogits: [readFeature(own.logits)],
    distillationLogits: own.distillationLogits ? [readFeature(own.distillationLogits)] : [],
  };
}

function reviewed(
  { student, teacher, objective }: Pick<Learner, 'student' | 'objective'> & { teacher: Model },
  { taught, own }: { taught: ModelOutput; own: ModelOutput },
  losses: Losses,
): Pick<Features, 'teacherFeatures' | 'fusedStudentFeatures'> {
  const state = objective.part('reviewKd')?.state;
  if (state === undefined) return { teacherFeatures: [], fusedStudentFeatures: [] };
  const term = (losses[1]?.[1] ?? {}) as ReviewKdOptions;
  const targets = teacherFeatures(taught, term.teacherStages);
  const sides = targets.map(({ shape }) => shape[1]);
  const blocks = reviewKdBlocks(term, { student, teacher, seed: 0 });
  blocks.state.loadStateDict(state.stateDict());
  const fused = blocks.forward(studentFeatures(own, term.studentStages), sides, { training: true });
  const found = {
    teacherFeatures: targets.map(readFeature),
    fusedStudentFeatures: fused.map(readFeature),
  };
  blocks.state.dispose();
  return found;
}

function compareForward(entry: Entry, labels: Int32Array, found: Features): Mismatch[] {
  const compare = (name: FeatureName, expected: readonly Feature[] = found[name]): Mismatch[] => {
    const one = (index: number): string => (expected.length === 1 ? name : `${name}[${index}]`);
    return compareFeatures({ all: name, one }, expected, found[name], tolerance);
  };
  return [
    ...compareText('labels', entry.labels.join(', '), labels.join(', ')),
    ...compare('teacherFeatures', entry.teacherFeatures),
    ...compare('fusedStudentFeatures', entry.fusedStudentFeatures),
    ...compare('teacherEmbedding', [entry.teacherEmbedding]),
    ...compare('adaptedEmbedding', [entry.adaptedEmbedding]),
    ...compare('studentLogits', [entry.studentLogits]),
    ...compare('distillationLogits', entry.distillationLogits && [entry.distillationLogits]),
  ];
}

/** Losses, and norms of gradients and of running statistics, by their names in the file. */
interface Measured {
  readonly losses: ReadonlyMap<string, number>;
  readonly gradients: ReadonlyMap<string, number>;
  readonly running: ReadonlyMap<string, number>;
}

function expectedOf(entry: Entry, losses: Losses): Measured {
  return {
    losses: new Map(losses.map(([name]) => [name, entry[name] ?? NaN])),
    gradients: new Map(Object.entries(entry.gradientNorms)),
    running: new Map(Object.entries(entry.runningNorms)),
  };
}

/** What is expected, as it was found; in the order in which a step computes it. */
function stagesOf({ losses, gradients, running }: Measured, found: Measured): Stage[] {
  return [
    { ...namedStage([...losses.keys()], found.losses), strict: tolerance },
    namedStage([...running.keys()], found.running),
    {
      ...namedStage([...gradients.keys()], found.gradients, (name) => `gradient of ${name}`),
      smallest: 1e-3,
    },
  ];
}

function measure(
  { epoch }: Entry,
  learner: Learner,
  named: readonly NamedState[],
  batch: Batch,
  losses: Losses,
): Measured {
  const pass = learner.forward(batch, { epoch, random: random(0, 'verify') });
  const found = backward(() => pass.losses(), learner.parameters, pass.traced);
  const { terms } = found.losses.read();
  pass.dispose();
  const names = named.flatMap((part) =>
    part.state.trainable.map(({ name }) => gradientName(part, name)),
  );
  const running = named.flatMap((part) =>
    [...part.state.stateDict()].map(
      ([key, { data }]) => [gradientName(part, key), euclideanNorm(data)] as const,
    ),
  );
  return {
    losses: new Map(losses.map(([name], index) => [name, terms[index] ?? NaN])),
    gradients: gradientNorms(names, found.gradients),
    running: new Map(running),
  };
}

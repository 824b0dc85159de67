import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { studentFeatures, teacherFeatures } from '../distill/fusion-blocks';
import {
  crossEntropy,
  dist,
  dkd,
  kd,
  type LossTerm,
  normDirection,
  reviewKd,
  warmUp,
} from '../distill/terms';
import { reviewKdBlocks, type ReviewKdOptions } from '../distill/terms/review-kd';
import { random } from '../engine/random';
import { tidied } from '../engine/tidy';
import { fileError } from '../errors';
import { cifarModels, createModel, imageNetModels } from '../models/registry';
import type { Model, ModelOutput } from '../nn/model';
import type { ModelState } from '../nn/state';
import { backward } from '../train/gradients';
import { type Batch, createLearner, type Learner } from '../train/learner';
import {
  type CaseOutcome,
  type Checker,
  compareNumber,
  compareStages,
  compareText,
  disturb,
  type Disturbance,
  euclideanNorm,
  meanOf,
  type Mismatch,
  NotAvailable,
  readReference,
  type Stage,
} from './compare';
import {
  channelsLast,
  deterministic,
  deterministicLabels,
  deterministicWeights,
  sizeOf,
} from './deterministic';

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
  labels: z.array(z.number().int()),
  ce: z.number(),
  kd: z.number().optional(),
  dkd: z.number().optional(),
  dist: z.number().optional(),
  hcl: z.number().optional(),
  nd: z.number(),
  gradientNorms: z.record(z.string(), z.number()),
  /** Norms of the student's running statistics after the step. */
  runningNorms: z.record(z.string(), z.number()).default({}),
});

type Entry = z.infer<typeof form>;
type FeatureEntry = z.infer<typeof featureForm>;

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
    return { code, method, teacher: modelName(teacher), student: modelName(student) };
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

function modelName(name: string): string {
  const released = name.replace(/_cifar$/, '');
  if (name === 'resnet50_cifar') return 'ResNet50';
  return releasedNames[released] ?? released;
}

/**
 * Which features the released ImageNet code compares: its ResNets run `ReLU(inplace=True)` over what they
 * have put aside, its MobileNet does not.
 */
export function releasedReviewKd(student: string): ReviewKdOptions {
  return student === 'mobilenet_v1'
    ? { teacherStages: 'after ReLU', studentStages: 'before ReLU', mostMiddleChannels: 256 }
    : { teacherStages: 'after ReLU' };
}

/** The names under which the losses stand in the file and their terms, in the order of the sum. */
type Losses = readonly [name: 'ce' | 'kd' | 'dkd' | 'dist' | 'hcl' | 'nd', term: LossTerm][];

function lossesOf(entry: Entry, release: Release): Losses {
  const { weights, warmUpEpochs, temperature = release.code === 'CIFAR' ? 4 : 1 } = entry;
  const { kd: weight = 1, alpha = 1, beta = 1 } = weights;
  const method = release.method.replace(/\+\+$/, '');
  const distillation = ((): Losses[number] => {
    switch (method) {
      case 'KD':
        return ['kd', kd({ weight, temperature })];
      case 'DKD':
        return ['dkd', dkd({ alpha, beta, temperature })];
      case 'DIST':
        return ['dist', dist({ weight, temperature })];
      case 'ReviewKD': {
        const options = release.code === 'CIFAR' ? {} : releasedReviewKd(release.student);
        return ['hcl', reviewKd({ weight, ...options })];
      }
      default:
        throw new NotAvailable(`method '${release.method}'`);
    }
  })();
  const warm = (epochs: number | undefined, term: LossTerm): LossTerm =>
    epochs === undefined ? term : warmUp(epochs, term);
  return [
    ['ce', crossEntropy({ weight: weights.ce })],
    [distillation[0], warm(warmUpEpochs?.kd, distillation[1])],
    ['nd', warm(warmUpEpochs?.nd, normDirection({ weight: weights.nd }))],
  ];
}

function check(entry: Entry, release: Release): CaseOutcome {
  const side = release.code === 'CIFAR' ? 32 : 224;
  const architectures = release.code === 'CIFAR' ? cifarModels : imageNetModels;
  const missing = [release.teacher, release.student].find(
    (name) => !Object.hasOwn(architectures, name),
  );
  if (missing !== undefined) throw new NotAvailable(`model '${missing}' of ${release.code}`);
  const run = stepOf(entry, release, side);
  try {
    const forward = compareForward(entry, run);
    const step = compareStages(
      expectedStages(entry, run.losses),
      (disturbance) => run.stages(disturbance),
      { tolerance, largestAllowance },
    );
    return { ...step, mismatches: [...forward, ...step.mismatches] };
  } finally {
    run.dispose();
  }
}

/** The same step here. */
interface Run {
  readonly losses: Losses;
  readonly labels: Int32Array;
  /** Features, embeddings and logits by the names of the file. */
  features(): Readonly<Record<FeatureName, FeatureEntry[]>>;
  stages(disturbance: Disturbance): Stage[];
  dispose(): void;
}

type FeatureName =
  | 'teacherFeatures'
  | 'fusedStudentFeatures'
  | 'teacherEmbedding'
  | 'adaptedEmbedding'
  | 'studentLogits';

function stepOf(entry: Entry, release: Release, side: number): Run {
  const { prefix, classes, batch } = entry;
  const [student, teacher] = [release.student, release.teacher].map((name) =>
    createModel(name, { classes }),
  ) as [Model, Model];
  const losses = lossesOf(entry, release);
  const learner = createLearner({
    student,
    teacher: {
      model: teacher,
      classMeans: deterministic(`${prefix}/centers`, [classes, teacher.embeddingSize], 0.5, 0.5),
    },
    method: { name: release.method, terms: losses.map(([, term]) => term) },
    samples: batch,
    adapterDropout: 0,
    repeatedNorms: false,
  });
  const named = namedStates(learner, release);
  const shape = [batch, 3, side, side] as const;
  const labels = deterministicLabels(`${prefix}/labels`, batch, classes);
  const batchOf = (disturbance: Disturbance): Batch => ({
    images: channelsLast(disturb(deterministic(`${prefix}/input`, shape), disturbance), shape),
    labels: tf.tensor1d(labels, 'int32'),
    indices: Int32Array.from({ length: batch }, (_, place) => place),
  });
  const setWeights = (): void => {
    for (const { state, folder, released } of named)
      setState(state, `${prefix}/${folder}`, released);
    setState(teacher.state, `${prefix}/teacher`, keyInRelease(release, release.teacher));
  };
  return {
    losses,
    labels,
    features() {
      setWeights();
      return tidied(() => featuresOf(learner, teacher, batchOf(undefined).images, losses));
    },
    stages(disturbance) {
      setWeights();
      return tidied(() => measuredStages(entry, { learner, named, batch: batchOf(disturbance) }));
    },
    dispose() {
      learner.dispose();
      student.dispose();
      teacher.dispose();
    },
  };
}

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
  if (code !== 'CIFAR' || method.startsWith('ReviewKD')) return (key) => key;
  if (model.startsWith('wrn')) return (key) => key.replace(/^bn1\./, 'bn.');
  return model === 'ResNet50' ? (key) => key : (key) => key.replace(/^linear\./, 'fc.');
}

/** Sets weights that follow from the names of the released code. */
function setState(state: ModelState, prefix: string, released: (key: string) => string): void {
  const own = [...state.stateDict()];
  const made = deterministicWeights(
    prefix,
    own.map(([key, { shape }]) => [released(key), shape]),
  );
  state.loadStateDict(new Map([...made.values()].map((entry, at) => [own[at]?.[0] ?? '', entry])));
}

function featuresOf(
  { student, adapter, objective }: Learner,
  teacher: Model,
  images: tf.Tensor4D,
  losses: Losses,
): Readonly<Record<FeatureName, FeatureEntry[]>> {
  const taught = teacher.forward(images, { training: false });
  const own = student.forward(images, { training: true, repeatedNorms: false });
  const adapted = adapter?.forward(own.embedding, { training: true }) ?? own.embedding;
  return {
    ...reviewed({ student, teacher, objective }, { taught, own }, losses),
    teacherEmbedding: [readFeature(taught.embedding)],
    adaptedEmbedding: [readFeature(adapted)],
    studentLogits: [readFeature(own.logits)],
  };
}

function reviewed(
  { student, teacher, objective }: Pick<Learner, 'student' | 'objective'> & { teacher: Model },
  { taught, own }: { taught: ModelOutput; own: ModelOutput },
  losses: Losses,
): Pick<Readonly<Record<FeatureName, FeatureEntry[]>>, 'teacherFeatures' | 'fusedStudentFeatures'> {
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

/** Shape in PyTorch's order of axes, mean, Euclidean norm, and the share of numbers below 0. */
function readFeature(feature: tf.Tensor4D | tf.Tensor2D): FeatureEntry {
  const values = feature.dataSync<'float32'>();
  const [batch, ...others] = feature.shape;
  const [height, width, channels] = others;
  return {
    shape:
      height === undefined || channels === undefined || width === undefined
        ? feature.shape
        : [batch, channels, height, width],
    mean: meanOf(values),
    norm: euclideanNorm(values),
    shareNegative: values.reduce((count, value) => count + (value < 0 ? 1 : 0), 0) / values.length,
  };
}

function compareForward(entry: Entry, run: Run): Mismatch[] {
  const { labels } = entry;
  const found = run.features();
  const one = (name: 'teacherEmbedding' | 'adaptedEmbedding' | 'studentLogits'): Mismatch[] =>
    compareFeatures(name, [entry[name]], found[name]);
  const several = (name: 'teacherFeatures' | 'fusedStudentFeatures'): Mismatch[] =>
    entry[name] === undefined ? [] : compareFeatures(name, entry[name], found[name]);
  return [
    ...compareText('labels', labels.join(', '), [...run.labels].join(', ')),
    ...several('teacherFeatures'),
    ...several('fusedStudentFeatures'),
    ...one('teacherEmbedding'),
    ...one('adaptedEmbedding'),
    ...one('studentLogits'),
  ];
}

function compareFeatures(
  name: FeatureName,
  expected: readonly FeatureEntry[],
  found: readonly FeatureEntry[],
): Mismatch[] {
  if (expected.length !== found.length) {
    return compareText(`number of ${name}`, expected.length, found.length);
  }
  return expected.flatMap(({ shape, mean, norm, shareNegative }, index) => {
    const other = found[index];
    if (other === undefined) return [];
    const of = expected.length === 1 ? name : `${name}[${index}]`;
    // The mean may be near 0 by cancellation: its difference is measured by the root mean square.
    const scale = norm / Math.sqrt(sizeOf(shape));
    return [
      ...compareText(`shape of ${of}`, shape.join(' × '), other.shape.join(' × ')),
      ...compareNumber(`mean of ${of}`, mean, other.mean, { tolerance, scale }),
      ...compareNumber(`norm of ${of}`, norm, other.norm, { tolerance }),
      // Of a few thousand numbers one that is all but 0 is more than the tolerance.
      ...compareNumber(`share of negative numbers of ${of}`, shareNegative, other.shareNegative, {
        tolerance: tolerance + 1 / sizeOf(shape),
        scale: 1,
      }),
    ];
  });
}

function expectedStages(entry: Entry, losses: Losses): Stage[] {
  return stagesOf({
    losses: losses.map(([name]) => [name, entry[name] ?? NaN]),
    gradients: Object.entries(entry.gradientNorms),
    running: Object.entries(entry.runningNorms),
  });
}

interface Measured {
  readonly losses: readonly [name: string, value: number][];
  readonly gradients: readonly [name: string, value: number][];
  readonly running: readonly [name: string, value: number][];
}

function stagesOf({ losses, gradients, running }: Measured): Stage[] {
  const stage = (entries: readonly [name: string, value: number][]): Omit<Stage, 'strict'> => ({
    name: entries.map(([name]) => name),
    values: entries.map(([, value]) => value),
  });
  const named = gradients.map(([name, value]): [string, number] => [`gradient of ${name}`, value]);
  return [
    { ...stage(losses), strict: tolerance },
    stage(running),
    { ...stage(named), smallest: 1e-3 },
  ];
}

function measuredStages(
  entry: Entry,
  { learner, named, batch }: { learner: Learner; named: readonly NamedState[]; batch: Batch },
): Stage[] {
  const pass = learner.forward(batch, { epoch: entry.epoch, random: random(0, 'verify') });
  const { gradients, measured } = backward(() => pass.losses(), learner.parameters, pass.traced);
  pass.dispose();
  const norms = new Map<string, number>();
  const names = named.flatMap((part) =>
    part.state.trainable.map(({ name }) => gradientName(part, name)),
  );
  names.forEach((name, index) =>
    norms.set(name, euclideanNorm(gradients[index]?.dataSync() ?? [])),
  );
  const running = new Map(
    named.flatMap((part) =>
      [...part.state.stateDict()].map(([key, { data }]) => [
        gradientName(part, key),
        euclideanNorm(data),
      ]),
    ),
  );
  return stagesOf({
    losses: [...measured.terms].map((value) => ['', value]),
    gradients: Object.keys(entry.gradientNorms).map((name) => [name, norms.get(name) ?? NaN]),
    running: Object.keys(entry.runningNorms).map((name) => [name, running.get(name) ?? NaN]),
  });
}

import * as tf from '@tensorflow/tfjs';
import { random, type Random } from '../../engine/random';
import { dataError, type LabError } from '../../errors';
import { contrastiveLoss, contrastNormaliser, updatedMemory } from '../../losses';
import { type Layer2D, linearLayer } from '../../nn/layers';
import { ModelState, type StateDict, type StateEntry, type StateTensor } from '../../nn/state';
import { termKind, type LossTerm, type PartContext, teacherOf, type TermPart } from '../term';

const networks = ['student', 'teacher'] as const;
type Network = (typeof networks)[number];
type OfBoth<T> = Readonly<Record<Network, T>>;

/** What CRD trains and remembers. */
interface ContrastParts {
  readonly state: ModelState;
  /** An embedding to `[batch, size]`, rows of length 1; both are trained. */
  readonly heads: OfBoth<Layer2D>;
  /** `[samples, size]`: what was last seen of each sample of the training set. */
  readonly memories: OfBoth<StateTensor>;
}

/** Keeps the division finite; far below any length that float32 can tell from 0. */
const tiny = 1e-30;

/**
 * CRD's heads, each a linear layer and the division by the length, and its two memories, which begin
 * with uniform numbers of ±√(3 / size). Names are those of mdistiller's module (`embed_s.linear.weight`
 * … `contrast.memory_v2`; v1 is the student's).
 */
export function contrastParts({
  studentSize,
  teacherSize,
  size,
  samples,
  seed,
}: Readonly<
  Record<'studentSize' | 'teacherSize' | 'size' | 'samples' | 'seed', number>
>): ContrastParts {
  const state = new ModelState();
  const context = { state, random: random(seed, 'weights', 'contrast') };
  const head = (name: string, inputs: number): Layer2D => {
    const linear = linearLayer(context, `${name}.linear`, { inputs, outputs: size });
    return (x, mode) => unitRows(linear(x, mode));
  };
  const bound = Math.sqrt(3 / size);
  const memory = (name: string): StateTensor => {
    const draw = random(seed, 'memory', name);
    const numbers = Float32Array.from(
      { length: samples * size },
      () => bound * (2 * draw.uniform() - 1),
    );
    return state.add(`contrast.${name}`, tf.tensor2d(numbers, [samples, size]), {
      trainable: false,
      layout: 'same',
    });
  };
  return {
    state,
    heads: { student: head('embed_s', studentSize), teacher: head('embed_t', teacherSize) },
    memories: { student: memory('memory_v1'), teacher: memory('memory_v2') },
  };
}

function unitRows(x: tf.Tensor2D): tf.Tensor2D {
  return tf.div(x, tf.sqrt(tf.add(tf.sum(tf.square(x), 1, true), tiny)));
}

/** Draws, for samples of a training set, others of other classes. */
interface NegativeSampler {
  /** How many others of each sample: those wanted, or all that every class has at least. */
  readonly negatives: number;
  /** `samples.length` rows of 1 + negatives: each sample itself, then different ones of other classes. */
  draw(samples: Int32Array, random: Random): Int32Array;
}

/**
 * As CRD's published data set does it: without replacement, uniform over the samples of other classes.
 * Where a class leaves fewer than wanted, all classes take that many, so that every row is as long.
 *
 * @param labels class of each sample of the training set
 * @throws LabError of kind `data` when all samples are of one class.
 */
export function negativeSampler(labels: ArrayLike<number>, wanted: number): NegativeSampler {
  const samples = labels.length;
  const { order, starts } = byClass(labels);
  const sizeOf = (label: number): number => (starts[label + 1] ?? 0) - (starts[label] ?? 0);
  const largest = starts.reduce((most, _, label) => Math.max(most, sizeOf(label)), 0);
  const negatives = Math.min(wanted, samples - largest);
  if (negatives < 1) {
    throw dataError`CRD contrasts samples of different classes: found ${samples} samples of one class. Take a training set of at least two classes`;
  }
  const others = new Int32Array(samples);
  return {
    negatives,
    draw(batch, random) {
      const rows = new Int32Array(batch.length * (1 + negatives));
      let at = 0;
      for (const sample of batch) {
        const label = labels[sample] ?? -1;
        const start = starts[label] ?? 0;
        const own = sizeOf(label);
        others.set(order.subarray(0, start));
        others.set(order.subarray(start + own), start);
        rows[at++] = sample;
        // The first steps of a Fisher-Yates shuffle of the other classes' samples.
        for (let i = 0; i < negatives; i++) {
          const index = i + random.integer(samples - own - i);
          rows[at++] = others[index] ?? 0;
          others[index] = others[i] ?? 0;
        }
      }
      return rows;
    },
  };
}

/** The samples class by class, and where each class begins; one past the last class, the number of samples. */
function byClass(labels: ArrayLike<number>): { order: Int32Array; starts: number[] } {
  const classes: number[][] = [];
  for (let sample = 0; sample < labels.length; sample++) {
    (classes[labels[sample] ?? 0] ??= []).push(sample);
  }
  const filled = Array.from(classes, (samples) => samples ?? []);
  const starts = [0];
  for (const { length } of filled) starts.push((starts.at(-1) ?? 0) + length);
  return { order: Int32Array.from(filled.flat()), starts };
}

export interface CrdTerm extends LossTerm {
  readonly loss: 'crd';
  /** Length of the embeddings that are compared. */
  readonly size: number;
  /** Samples of other classes that each one is told from; fewer where the training set has fewer. */
  readonly negatives: number;
  readonly temperature: number;
  /** How much of a remembered embedding stays at each visit. */
  readonly momentum: number;
}

/** CRD (Tian et al., 2020): each sample's embedding is told from those of other classes. */
export const crd = termKind<CrdTerm>({
  loss: 'crd',
  defaults: { size: 128, negatives: 16384, temperature: 0.07, momentum: 0.5 },
  needs: ['teacher', 'samples'],
  part: contrast,
});

/** A batch as it was seen, for the memories. */
interface Visit {
  readonly samples: tf.Tensor1D;
  readonly embeddings: OfBoth<tf.Tensor2D>;
  /** Z of this batch, where none is fixed yet. */
  readonly normalisers: OfBoth<tf.Scalar>;
}

/** Steps done, and the Z of each network that the first of them fixed, kept: reading them would hold a step up. */
interface Progress {
  readonly steps: number;
  readonly normalisers?: OfBoth<tf.Scalar>;
}

function contrast(term: CrdTerm, { student, teacher, seed, labels }: PartContext): TermPart {
  if (teacher === undefined) throw new Error('CRD is given a teacher');
  if (labels === undefined) throw lacking('the labels of the training set');
  const sampler = negativeSampler(labels, term.negatives);
  const { state, heads, memories } = contrastParts({
    studentSize: student.embeddingSize,
    teacherSize: teacher.embeddingSize,
    size: term.size,
    samples: labels.length,
    seed,
  });
  let progress: Progress = { steps: 0 };
  let visit: Visit | undefined;
  return {
    state,
    loss(signals, { mode, remember }) {
      const { indices } = signals;
      if (indices === undefined) throw lacking('each sample’s place in the training set');
      const candidates = tf.tensor2d(
        sampler.draw(indices, random(seed, 'negatives', progress.steps)),
        [indices.length, 1 + sampler.negatives],
        'int32',
      );
      const embeddings = {
        student: remember(heads.student(signals.student.embedding, mode)),
        teacher: remember(heads.teacher(teacherOf(signals).embedding, mode)),
      };
      // Each network's embeddings are held against what is remembered of the other's.
      const contrastOf = (
        network: Network,
        against: Network,
      ): { normaliser: tf.Scalar; loss: tf.Scalar } => {
        const memory = memories[against].value as tf.Tensor2D;
        const options = { memory, candidates, temperature: term.temperature };
        const anchors = embeddings[network];
        const normaliser =
          progress.normalisers?.[network] ?? remember(contrastNormaliser(anchors, options));
        return { normaliser, loss: contrastiveLoss(anchors, { ...options, normaliser }) };
      };
      const own = contrastOf('student', 'teacher');
      const other = contrastOf('teacher', 'student');
      visit = {
        samples: remember(tf.tensor1d(indices, 'int32')),
        embeddings,
        normalisers: { student: own.normaliser, teacher: other.normaliser },
      };
      return tf.add(own.loss, other.loss);
    },
    commit() {
      if (visit === undefined) return;
      const { samples, embeddings, normalisers } = visit;
      for (const network of networks) {
        const memory = memories[network];
        const before = memory.value as tf.Tensor2D;
        memory.replace(updatedMemory(before, samples, embeddings[network], term.momentum));
      }
      progress = {
        steps: progress.steps + 1,
        normalisers: progress.normalisers ?? {
          student: tf.keep(tf.clone(normalisers.student)),
          teacher: tf.keep(tf.clone(normalisers.teacher)),
        },
      };
      visit = undefined;
    },
    memory: {
      save: () => saved(progress),
      restore(entries) {
        const before = progress;
        progress = restored(entries);
        free(before);
      },
    },
    dispose: () => free(progress),
  };
}

function free({ normalisers }: Progress): void {
  if (normalisers) tf.dispose([normalisers.student, normalisers.teacher]);
}

/** float32 holds the numbers of steps exactly, up to sixteen million. */
function saved({ steps, normalisers }: Progress): Map<string, StateEntry> {
  const [student = 0, teacher = 0] = networks.map((name) => normalisers?.[name].dataSync()[0]);
  return new Map([['progress', { shape: [3], data: Float32Array.of(steps, student, teacher) }]]);
}

function restored(entries: StateDict): Progress {
  const [steps, student, teacher] = entries.get('progress')?.data ?? [];
  if (steps === undefined || student === undefined || teacher === undefined) {
    throw lacking('the progress of CRD in the checkpoint');
  }
  const kept = (z: number): tf.Scalar => tf.keep(tf.scalar(z));
  return steps > 0
    ? { steps, normalisers: { student: kept(student), teacher: kept(teacher) } }
    : { steps };
}

function lacking(what: string): LabError {
  return dataError`CRD needs ${what}. Give the learner the training set’s labels and each batch its indices`;
}

import * as tf from '@tensorflow/tfjs';
import { random } from '../../engine/random';
import { LabError } from '../../errors';
import { contrastiveLoss, contrastNormaliser, updatedMemory } from '../../losses';
import type { StateDict, StateEntry } from '../../nn/state';
import { contrastParts } from '../contrast';
import { negativeSampler } from '../negatives';
import { teacherOf } from '../signals';
import { defineTerm, type LossTerm, type PartContext, type TermPart } from '../term';

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
export function crd({
  weight = 1,
  size = 128,
  negatives = 16384,
  temperature = 0.07,
  momentum = 0.5,
}: Partial<Omit<CrdTerm, 'loss'>> = {}): CrdTerm {
  return { loss: 'crd', weight, size, negatives, temperature, momentum };
}

defineTerm<CrdTerm>({ loss: 'crd', needs: ['teacher', 'samples'], part: contrast });

const networks = ['student', 'teacher'] as const;
type Network = (typeof networks)[number];

/** A batch as it was seen, for the memories. */
interface Visit {
  readonly samples: tf.Tensor1D;
  readonly embeddings: Readonly<Record<Network, tf.Tensor2D>>;
  /** Z of this batch, where none is fixed yet. */
  readonly normalisers: Readonly<Record<Network, tf.Scalar | number>>;
}

/** Steps done, and the Z of each network that the first of them fixed. */
interface Progress {
  readonly steps: number;
  readonly normalisers?: Readonly<Record<Network, number>>;
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
      const contrastOf = (network: Network, against: Network): Contrast => {
        const memory = memories[against].value as tf.Tensor2D;
        const options = { memory, candidates, temperature: term.temperature };
        const normaliser =
          progress.normalisers?.[network] ??
          remember(contrastNormaliser(embeddings[network], options));
        return {
          normaliser,
          loss: contrastiveLoss(embeddings[network], { ...options, normaliser }),
        };
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
        memory.replace(
          updatedMemory(memory.value as tf.Tensor2D, samples, embeddings[network], term.momentum),
        );
      }
      progress = {
        steps: progress.steps + 1,
        normalisers: progress.normalisers ?? {
          student: numberOf(normalisers.student),
          teacher: numberOf(normalisers.teacher),
        },
      };
      visit = undefined;
    },
    memory: {
      save: () => saved(progress),
      restore(entries) {
        progress = restored(entries);
      },
    },
  };
}

interface Contrast {
  readonly normaliser: tf.Scalar | number;
  readonly loss: tf.Scalar;
}

function numberOf(value: tf.Scalar | number): number {
  return typeof value === 'number' ? value : (value.dataSync()[0] ?? NaN);
}

/** float32 holds the numbers of steps exactly, up to sixteen million. */
function saved({ steps, normalisers }: Progress): Map<string, StateEntry> {
  const { student = 0, teacher = 0 } = normalisers ?? {};
  return new Map([['progress', { shape: [3], data: Float32Array.of(steps, student, teacher) }]]);
}

function restored(entries: StateDict): Progress {
  const [steps, student, teacher] = entries.get('progress')?.data ?? [];
  if (steps === undefined || student === undefined || teacher === undefined) {
    throw lacking('the progress of CRD in the checkpoint');
  }
  return steps > 0 ? { steps, normalisers: { student, teacher } } : { steps };
}

function lacking(what: string): LabError {
  return new LabError({
    kind: 'data',
    what: `CRD needs ${what}`,
    remedy: 'Give the learner the training set’s labels and each batch its indices',
  });
}

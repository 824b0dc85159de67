import * as tf from '@tensorflow/tfjs';
import { type LabError, modelError } from '../errors';
import { requireShare } from '../losses/checks';
import { smoothedLabels } from '../losses/cross-entropy';
import type { ForwardMode } from '../nn/layers';
import type { ModelOutput } from '../nn/model';
import type { StateDict, StateEntry, StateTensor } from '../nn/state';
import {
  type BatchSignals,
  classMeansOf,
  definitionOf,
  type LossTerm,
  type Method,
  type MixedLabels,
  type PartContext,
  type TermPart,
  warmUpFactor,
} from './term';

/**
 * Soft labels of a batch, [batch, classes]: λ · y_i + (1 − λ) · y_partner, each smoothed first; of images
 * that are not mixed the smoothed labels alone.
 */
export function softLabels(signals: BatchSignals, smoothing: number): tf.Tensor2D {
  const classes = signals.student.logits.shape[1];
  const { mix } = signals;
  if (mix === undefined) return smoothedLabels(signals.labels, classes, smoothing);
  return mixedRows(
    smoothedLabels(mix.labels, classes, smoothing),
    smoothedLabels(mix.partners, classes, smoothing),
    mix,
  );
}

/**
 * The class means that the samples of a batch are held against, [batch, size], mixed like their labels.
 * As the paper's DeiT code has it, smoothing adds smoothing / classes of the class means of all samples
 * of the batch (not of all classes), and the label's own counts 1 − smoothing.
 */
export function mixedClassMeans(signals: BatchSignals, smoothing: number): tf.Tensor2D {
  requireShare('mixed class means', 'smoothing', smoothing);
  const means = classMeansOf(signals);
  const { mix } = signals;
  const labels = mix?.labels ?? signals.labels;
  const own: tf.Tensor2D = tf.gather(means, labels);
  const spread = tf.mul(tf.sum(own, 0, true), smoothing / means.shape[0]);
  const smoothed = (rows: tf.Tensor2D): tf.Tensor2D =>
    smoothing === 0 ? rows : tf.add(tf.mul(rows, 1 - smoothing), spread);
  if (mix === undefined) return smoothed(own);
  return mixedRows(smoothed(own), smoothed(tf.gather(means, mix.partners)), mix);
}

function mixedRows(own: tf.Tensor2D, partners: tf.Tensor2D, { lambda }: MixedLabels): tf.Tensor2D {
  const share = tf.reshape(lambda, [-1, 1]);
  return tf.add(tf.mul(own, share), tf.mul(partners, tf.sub(1, share)));
}

/**
 * What of a student is held against the teacher's class means, before an adapter: its embedding; of a
 * transformer with a distillation token the mean of both tokens, as in the paper's DeiT code.
 */
export function comparedEmbedding({
  embedding,
  distillationEmbedding,
}: Pick<ModelOutput, 'embedding' | 'distillationEmbedding'>): tf.Tensor2D {
  return distillationEmbedding === undefined
    ? embedding
    : tf.mul(tf.add(embedding, distillationEmbedding), 0.5);
}

/** The value of a method on one batch: the sum of its terms, and each term with its weight in it. */
interface ObjectiveValue {
  readonly total: tf.Scalar;
  /** In the method's order. */
  readonly terms: readonly tf.Scalar[];
}

/** A method at work: its terms and what they train or remember beside the student. */
export interface Objective {
  /** What is trained along with the student. */
  readonly trainable: readonly StateTensor[];
  /** A term's own part, by the term's name; undefined for terms without one. */
  part(loss: string): TermPart | undefined;
  /** Before each forward pass of a step, outside its gradient. */
  prepare(images: tf.Tensor4D, norms?: Pick<ForwardMode, 'replicas'>): void;
  /** The loss on one batch in an epoch counted from 0. */
  value(signals: BatchSignals, at: { epoch: number; mode: ForwardMode }): ObjectiveValue;
  /**
   * After each part of a batch: lets the terms remember it (`kept`) or not, and frees what they noted for that.
   * `stepped` where the optimiser's step was taken after it.
   */
  endPart(kept: boolean, stepped: boolean): void;
  /** Everything that a checkpoint must hold, in a fixed order. */
  save(): Map<string, StateEntry>;
  /** @throws LabError when the entries are those of other terms. */
  restore(entries: StateDict, where: string): void;
  dispose(): void;
}

/**
 * Puts a method's terms to work.
 *
 * @throws LabError of kind `option` for a term without a definition.
 */
export function createObjective({ terms }: Method, context: PartContext): Objective {
  const attached = terms.map((term) => attach(term, context));
  const parts = attached.flatMap(({ part }) => (part ? [part] : []));
  const remembered: tf.Tensor[] = [];
  const remember = <T extends tf.Tensor>(tensor: T): T => {
    remembered.push(tf.keep(tensor));
    return tensor;
  };
  return {
    trainable: parts.flatMap(({ state }) => state?.trainable ?? []),
    part: (loss) => attached.find(({ term }) => term.loss === loss)?.part,
    prepare(images, norms) {
      parts.forEach((part) => part.prepare?.(images, { remember, norms }));
    },
    value(signals, { epoch, mode }) {
      const values = attached.map(({ term, part, compute }) => {
        const loss = part ? part.loss(signals, { mode, remember }) : compute(signals);
        const value = tf.mul<tf.Scalar>(loss, term.weight * warmUpFactor(term, epoch));
        if (value.rank > 0) throw noSingleNumber(term, value);
        return value;
      });
      return { total: tf.addN(values), terms: values };
    },
    endPart(kept, stepped) {
      if (kept) parts.forEach((part) => part.commit?.(stepped));
      remembered.splice(0).forEach((tensor) => tensor.dispose());
    },
    save: () =>
      new Map(
        attached.flatMap(({ part }, index) => [
          ...prefixed(`${index}/state/`, part?.state?.stateDict()),
          ...prefixed(`${index}/memory/`, part?.memory?.save()),
        ]),
      ),
    restore(entries, where) {
      attached.forEach(({ part }, index) => {
        part?.state?.loadStateDict(below(entries, `${index}/state/`), where);
        part?.memory?.restore(below(entries, `${index}/memory/`));
      });
    },
    dispose() {
      parts.forEach((part) => {
        part.state?.dispose();
        part.dispose?.();
      });
    },
  };
}

interface AttachedTerm {
  readonly term: LossTerm;
  readonly part: TermPart | undefined;
  readonly compute: (signals: BatchSignals) => tf.Scalar;
}

function attach(term: LossTerm, context: PartContext): AttachedTerm {
  const definition = definitionOf(term);
  return {
    term,
    part: definition.part?.(term, context),
    compute(signals) {
      if (!definition.compute) throw new Error(`the term '${term.loss}' computes nothing`);
      return definition.compute(term, signals);
    },
  };
}

function noSingleNumber({ loss }: LossTerm, { shape }: tf.Tensor): LabError {
  return modelError`a loss term gives more than one number (${loss}): found a tensor [${shape.join(', ')}]. Let it give a scalar, such as tf.mean of it`;
}

/** The entries whose names begin so, without that beginning. */
export function below(entries: StateDict, prefix: string): Map<string, StateEntry> {
  return new Map(
    [...entries]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, entry]) => [name.slice(prefix.length), entry]),
  );
}

/** The entries with this beginning of their names; none where there are none. */
export function prefixed(prefix: string, entries: StateDict = new Map()): [string, StateEntry][] {
  return [...entries].map(([name, entry]) => [prefix + name, entry]);
}

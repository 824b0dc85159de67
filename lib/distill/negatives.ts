import type { Random } from '../engine/random';
import { LabError } from '../errors';

/** Draws, for samples of a training set, others of other classes. */
export interface NegativeSampler {
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
    throw new LabError({
      kind: 'data',
      what: 'CRD contrasts samples of different classes',
      found: `${samples} samples of one class`,
      remedy: 'Take a training set of at least two classes',
    });
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
          const place = i + random.integer(samples - own - i);
          rows[at++] = others[place] ?? 0;
          others[place] = others[i] ?? 0;
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

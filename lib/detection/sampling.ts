import type { Random } from '../engine/random';
import { boxCount, type Boxes, intersectionOverUnion } from './boxes';
import { partOfStep } from './stopwatch';

/** What each candidate (an anchor or a proposal) is taken for. */
export interface Matches {
  /** 1: an object, 0: background, −1: neither, left out. */
  readonly labels: Int8Array;
  /** The true box that each candidate overlaps most; 0 where there is none. */
  readonly targets: Int32Array;
}

interface MatchingOptions {
  /** Below this overlap a candidate is background. */
  readonly background: number;
  /** From this overlap on it is an object. */
  readonly object: number;
  /** Whether the best candidates of every true box are objects too, however low their overlap. */
  readonly lowQuality: boolean;
}

/** detectron2's for anchors. */
export const anchorMatching: MatchingOptions = { background: 0.3, object: 0.7, lowQuality: true };
/** detectron2's for proposals. */
export const proposalMatching: MatchingOptions = {
  background: 0.5,
  object: 0.5,
  lowQuality: false,
};

/**
 * Matches candidates with true boxes by their overlap. A candidate made an object by `lowQuality` keeps
 * as its target the true box that it overlaps most, which may be another, as in detectron2.
 */
export function matchBoxes(truth: Boxes, candidates: Boxes, options: MatchingOptions): Matches {
  return partOfStep('matching', () => matched(truth, candidates, options));
}

function matched(truth: Boxes, candidates: Boxes, options: MatchingOptions): Matches {
  const count = boxCount(candidates);
  const labels = new Int8Array(count);
  const targets = new Int32Array(count);
  if (truth.length === 0) return { labels, targets };
  const best = new Float64Array(count).fill(-1);
  const bestOfTruth = new Float64Array(boxCount(truth));
  for (let t = 0; t < boxCount(truth); t++) {
    let highest = 0;
    for (let c = 0; c < count; c++) {
      const overlap = intersectionOverUnion(truth, t, candidates, c);
      if (overlap > (best[c] ?? 0)) {
        best[c] = overlap;
        targets[c] = t;
      }
      if (overlap > highest) highest = overlap;
    }
    bestOfTruth[t] = highest;
  }
  for (let c = 0; c < count; c++) {
    const overlap = best[c] ?? 0;
    labels[c] = overlap >= options.object ? 1 : overlap >= options.background ? -1 : 0;
  }
  if (options.lowQuality) addLowQuality(truth, candidates, bestOfTruth, labels);
  return { labels, targets };
}

function addLowQuality(
  truth: Boxes,
  candidates: Boxes,
  bestOfTruth: Float64Array,
  labels: Int8Array,
): void {
  bestOfTruth.forEach((highest, t) => {
    // A box that no candidate touches would make objects of all of them.
    if (highest <= 0) return;
    for (let c = 0; c < labels.length; c++) {
      if (intersectionOverUnion(truth, t, candidates, c) === highest) labels[c] = 1;
    }
  });
}

export interface SampleOptions {
  /** How many are drawn in all. */
  readonly count: number;
  /** The largest share of objects among them. */
  readonly objectShare: number;
}

/** Places of what was drawn. */
export interface Sample {
  readonly objects: Int32Array;
  readonly background: Int32Array;
}

/**
 * Draws objects (label 1) up to their share and fills up with background (label 0); −1 is never drawn.
 * Both come in random order.
 */
export function sampleLabels(
  labels: Int8Array,
  { count, objectShare }: SampleOptions,
  random: Random,
): Sample {
  const objects = drawn(placesOf(labels, 1), Math.floor(count * objectShare), random);
  const background = drawn(placesOf(labels, 0), count - objects.length, random);
  return { objects, background };
}

function placesOf(labels: Int8Array, wanted: number): Int32Array {
  return Int32Array.from(labels.keys()).filter((index) => labels[index] === wanted);
}

/** The first steps of a Fisher–Yates shuffle. */
function drawn(indices: Int32Array, most: number, random: Random): Int32Array {
  const count = Math.min(most, indices.length);
  for (let i = 0; i < count; i++) {
    const other = i + random.integer(indices.length - i);
    const kept = indices[i] ?? 0;
    indices[i] = indices[other] ?? 0;
    indices[other] = kept;
  }
  return indices.slice(0, count);
}

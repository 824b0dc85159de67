import type { Random } from '../engine/random';

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
  const places: number[] = [];
  labels.forEach((label, place) => {
    if (label === wanted) places.push(place);
  });
  return Int32Array.from(places);
}

/** The first steps of a Fisher–Yates shuffle. */
function drawn(places: Int32Array, most: number, random: Random): Int32Array {
  const count = Math.min(most, places.length);
  for (let i = 0; i < count; i++) {
    const other = i + random.integer(places.length - i);
    const kept = places[i] ?? 0;
    places[i] = places[other] ?? 0;
    places[other] = kept;
  }
  return places.slice(0, count);
}

import type * as tf from '@tensorflow/tfjs';
import { Untraceable } from '../engine/functions/trace';
import { hasOwnOperations, storedFloat } from '../engine/native';
import { canFuseConvolution } from '../engine/operations/fused-convolution';
import type { Random } from '../engine/random';

/** Something that is traced for one kind of images, and freed in the end. */
export interface Traced {
  dispose(): void;
}

/**
 * Calls of a network with images of several shapes. A trace costs as much as some calls, so that only the fourth
 * call with a shape makes one; the results are the same to the bit.
 */
export interface TracedCalls<T extends Traced> {
  /** The trace for such images; undefined where the network is to be run as it is. */
  of(images: tf.Tensor4D): T | undefined;
  dispose(): void;
}

const callsBefore = 3;
/** More shapes than any training has: a full batch, the rest of an epoch, parts of both. */
const mostShapes = 8;

/** @param make traces one call; throws Untraceable where that cannot be done. */
export function tracedCalls<T extends Traced>(make: (images: tf.Tensor4D) => T): TracedCalls<T> {
  const traces = new Map<string, T>();
  const calls = new Map<string, number>();
  let possible = true;
  return {
    of(images) {
      if (!possible || !hasOwnOperations()) return undefined;
      const key = `${storedFloat(images)} ${images.shape.join()}`;
      const known = traces.get(key);
      if (known !== undefined) return known;
      const before = calls.get(key) ?? 0;
      if (before < callsBefore || traces.size === mostShapes) {
        calls.set(key, before + 1);
        return undefined;
      }
      // It is tried once, by reading a number, which no trace may do.
      canFuseConvolution();
      try {
        const made = make(images);
        traces.set(key, made);
        return made;
      } catch (error) {
        if (!(error instanceof Untraceable)) throw error;
        possible = false;
        return undefined;
      }
    },
    dispose() {
      for (const traced of traces.values()) traced.dispose();
      traces.clear();
      calls.clear();
    },
  };
}

/** In the place of a stream of random numbers while a network is traced: its numbers would be the same in each call. */
export const noRandom: Random = {
  uniform: refuse,
  normal: refuse,
  integer: refuse,
};

function refuse(): never {
  throw new Untraceable('random numbers are drawn');
}

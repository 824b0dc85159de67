import * as tf from '@tensorflow/tfjs';
import { random } from '../engine/random';
import { type Layer2D, linearLayer } from '../nn/layers';
import { ModelState, type StateTensor } from '../nn/state';

/** One of each for the student and the teacher. */
interface OfBoth<T> {
  readonly student: T;
  readonly teacher: T;
}

/** What CRD trains and remembers. */
export interface ContrastParts {
  readonly state: ModelState;
  /** An embedding to `[batch, size]`, rows of length 1; both are trained. */
  readonly heads: OfBoth<Layer2D>;
  /** `[samples, size]`: what was last seen of each sample of the training set. */
  readonly memories: OfBoth<StateTensor>;
}

export interface ContrastPartsOptions {
  readonly studentSize: number;
  readonly teacherSize: number;
  readonly size: number;
  readonly samples: number;
  readonly seed: number;
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
}: ContrastPartsOptions): ContrastParts {
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

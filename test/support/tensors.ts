import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';

/** A tensor's numbers, read now. */
export function numbers(tensor: tf.Tensor): number[] {
  return Array.from(tensor.dataSync());
}

/** Every number within `tolerance` of the expected one. */
export function expectClose(
  found: tf.Tensor | readonly number[],
  expected: readonly number[],
  tolerance = 1e-5,
): void {
  const values = Array.isArray(found) ? (found as readonly number[]) : numbers(found as tf.Tensor);
  expect(values.length).to.equal(expected.length);
  // Looked for by hand, since chai takes 50 µs for a number.
  const far = values.findIndex(
    (value, index) => !(Math.abs(value - (expected[index] ?? NaN)) <= tolerance),
  );
  if (far >= 0) {
    expect(values[far], `entry ${far}`).to.be.closeTo(expected[far] ?? NaN, tolerance);
  }
}

/** 1, 2, 3, … in the given shape. */
export function counting<R extends tf.Rank>(shape: tf.ShapeMap[R]): tf.Tensor<R> {
  const size = shape.reduce((product, side) => product * side, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => i + 1),
    shape,
  ) as tf.Tensor<R>;
}
